"""Where the files of one site are: sockets and process records in a runtime folder, what is kept in another.

Root keeps nothing in the project, which may be another user's: that user could put a symbolic link in any file's place.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from seawall import files, sites
from seawall.errors import StateUnusable, shell

STATES = Path("/var/lib/seawall")  # where root runs the site
LOGS = Path("/var/log/seawall")
MARK = "mark"
KNOCKS = "wake.sock"
SMALL = 5_000_000  # bytes
LIMITS = {"application.log": 20_000_000, "control.log": SMALL, "balancer-a.log": SMALL, "balancer-b.log": SMALL}


@dataclass(frozen=True)
class Paths:
    """The files of the site whose project folder is `project` (absolute, symbolic links resolved)."""

    project: Path
    runtime: Path
    kept: Path | None = None  # None: `.seawall` in the project
    printed: Path | None = None  # None: `logs` in what is kept

    @property
    def state(self) -> Path:
        return self.kept or self.project / ".seawall"

    @property
    def settings(self) -> Path:
        return self.project / "seawall.toml"

    @property
    def journal(self) -> Path:
        return self.state / "journal.jsonl"

    @property
    def logs(self) -> Path:
        return self.printed or self.state / "logs"

    @property
    def certificate(self) -> Path:
        """Certificate chain and private key in one PEM file, as HAProxy wants it."""
        return self.state / "certificate.pem"

    @property
    def own_certificate(self) -> Path:
        """Where root keeps a copy of the user's own certificate for HAProxy, which reads it as root."""
        return self.state / "own.pem"

    @property
    def mark(self) -> str:
        """What everything that is started for the site carries in its environment; other users cannot guess it.

        Without the file nothing was started: the name alone then, which no process carries.
        """
        try:
            return f"{self.runtime.name}:{(self.state / MARK).read_text()}"
        except OSError:
            return self.runtime.name

    @property
    def control_socket(self) -> Path:
        return self.runtime / "control.sock"

    @property
    def control_lock(self) -> Path:
        return self.runtime / "control.lock"

    @property
    def processes(self) -> Path:
        """The record of what runs, by which the next control plane adopts it."""
        return self.runtime / "processes.json"

    @property
    def knocks(self) -> Path:
        """Where balancers say that requests begin to wait."""
        return self.runtime / KNOCKS

    def warm_socket(self, warm: str) -> Path:
        return self.runtime / f"{warm}.sock"

    def warm_sockets(self) -> list[Path]:
        """Those that are there."""
        return list(self.runtime.glob("w[0-9]*.sock"))

    @property
    def sockets(self) -> Path:
        """Where balancers find servers. Only we may write there."""
        return self.runtime / "s"

    @property
    def offered(self) -> Path:
        """Where a command makes its socket, which is then taken to the others."""
        return self.runtime / "c"

    def server_socket(self, server: str) -> Path:
        return self.sockets / f"{server}.sock"

    def balancer_socket(self, balancer: str) -> Path:
        return self.runtime / f"{balancer}.sock"

    def balancer_config(self, balancer: str) -> Path:
        return self.runtime / f"{balancer}.cfg"


def locate(project: Path) -> Paths:
    """The paths of the site in `project`. Creates nothing."""
    project = project.resolve()
    uid = os.geteuid()
    runtime = sites.find(project, uid)
    if uid == 0:
        return Paths(project, runtime, STATES.resolve() / runtime.name, LOGS.resolve() / runtime.name)
    return Paths(project, runtime)


def create(paths: Paths) -> list[Path]:
    """Make the folders that are missing. May be called at any time; returns what had to be made.

    The runtime folder may be passed through (HAProxy is another user) but not listed; what is kept is for us alone.
    Raises StateUnusable when a folder cannot be made, is a symbolic link or belongs to somebody else, and when the
    project is gone; what can be made for the processes that run has been made then.
    """
    try:
        return [path for path, made in _created(paths) if made]
    except OSError as error:
        if not paths.project.is_dir():
            raise StateUnusable(
                f"The project's folder {paths.project} is gone.",
                "Put it back. Or, if it was moved, go where it is now: seawall down, seawall up",
            ) from error
        path = error.filename or paths.state
        raise StateUnusable(
            f"{path} cannot be used: {error.strerror}.",
            "Make room or correct its owner and permissions, then try again: "
            f"ls -ld {shell(path)}; df -h {shell(paths.state.parent)} {shell(paths.runtime.parent)}",
        ) from error


def _created(paths: Paths) -> list[tuple[Path, bool]]:
    os.makedirs(paths.runtime.parent.parent, exist_ok=True)
    made = [(folder, files.make_folder(folder, 0o711)) for folder in (paths.runtime.parent, paths.runtime)]
    made.append((paths.sockets, files.make_folder(paths.sockets, 0o711)))
    # A command's group may write there, but nobody take away what is not his own: fleet/server.py.
    made.append((paths.offered, files.make_folder(paths.offered, 0o711, 0o1731)))
    made.append((paths.runtime / sites.CLAIM, sites.claim(paths.runtime, paths.project)))
    os.stat(paths.project)
    if paths.kept:
        for folder in (paths.state.parent, paths.logs.parent):
            os.makedirs(folder.parent, exist_ok=True)
            made.append((folder, files.make_folder(folder, 0o711, 0o755)))
    made += [(folder, files.make_folder(folder, 0o700)) for folder in (paths.state, paths.logs)]
    ignore = paths.state / ".gitignore"
    if not paths.kept and not ignore.exists():
        files.replace(ignore, b"*\n")
        made.append((ignore, True))
    if not (paths.state / MARK).exists():
        files.replace(paths.state / MARK, os.urandom(8).hex().encode())
        made.append((paths.state / MARK, True))
    for folder in (paths.state, paths.logs):
        files.close_to_others(folder)
    return made


def bound_logs(paths: Paths) -> list[str]:
    """Keep the logs small while the site writes to them. Returns what went wrong, which is tried again next time."""
    return list(filter(None, (files.bound(paths.logs / name, limit) for name, limit in LIMITS.items())))
