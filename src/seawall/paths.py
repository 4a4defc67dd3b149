"""Where the files of one site are: sockets and process records in a runtime folder, everything kept in `.seawall`."""

import os
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

from seawall.errors import StateUnusable


@dataclass(frozen=True)
class Paths:
    """The files of the site whose project folder is `project` (absolute, symbolic links resolved)."""

    project: Path
    runtime: Path

    @property
    def state(self) -> Path:
        return self.project / ".seawall"

    @property
    def settings(self) -> Path:
        return self.project / "seawall.toml"

    @property
    def journal(self) -> Path:
        return self.state / "journal.jsonl"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def certificate(self) -> Path:
        """Certificate chain and private key in one PEM file, as HAProxy wants it."""
        return self.state / "certificate.pem"

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

    def warm_socket(self, warm: str) -> Path:
        return self.runtime / f"{warm}.sock"

    @property
    def sockets(self) -> Path:
        return self.runtime / "s"

    def server_socket(self, server: str) -> Path:
        return self.sockets / f"{server}.sock"

    def balancer_socket(self, balancer: str) -> Path:
        return self.runtime / f"{balancer}.sock"

    def balancer_config(self, balancer: str) -> Path:
        return self.runtime / f"{balancer}.cfg"


def runtime_root(uid: int) -> Path:
    """The folder for sockets: short, wherever the project is, as unix socket paths end at 107 bytes (unix(7)).

    It must not depend on the environment: `seawall status` from cron has to find the same folder as `seawall up`.
    """
    if uid == 0:
        return Path("/run/seawall")
    systemd = Path(f"/run/user/{uid}")
    return systemd / "seawall" if systemd.is_dir() else Path(f"/tmp/seawall-{uid}")


def locate(project: Path) -> Paths:
    """The paths of the site in `project`. Creates nothing."""
    project = project.resolve()
    slug = re.sub(r"[^a-z0-9]+", "-", project.name.lower()).strip("-")[:20] or "site"
    digest = f"{zlib.crc32(os.fsencode(project)):08x}"
    return Paths(project, runtime_root(os.getuid()) / f"{slug}-{digest}")


def create(paths: Paths) -> None:
    """Make the folders. The runtime folder may be passed through (HAProxy is another user) but not listed.

    Raises StateUnusable when a folder cannot be made or belongs to somebody else.
    """
    try:
        for folder in (paths.runtime.parent, paths.runtime, paths.sockets):
            folder.mkdir(parents=True, exist_ok=True)
            if folder.stat().st_uid != os.getuid():
                remedy = f"Remove it, or run as its owner: ls -ld {folder}"
                raise StateUnusable(f"{folder} belongs to another user.", remedy)
            folder.chmod(0o711)
        paths.logs.mkdir(parents=True, exist_ok=True)
        ignore = paths.state / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n")
    except OSError as error:
        raise StateUnusable(
            f"The folder {error.filename or paths.state} cannot be used: {error.strerror}.",
            f"Make room or correct its permissions, then try again: df -h {paths.project} {paths.runtime.parent}",
        ) from error
