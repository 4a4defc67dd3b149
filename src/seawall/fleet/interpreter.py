"""Starts the folder `inside` in the application's own interpreter."""

import fcntl
import importlib.util
import json
import os
import socket
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from functools import cache
from pathlib import Path

from seawall import files
from seawall.errors import ApplicationFailed, SeawallError, StateUnusable, shell
from seawall.fleet.application import Application
from seawall.fleet.inside.setup import VERSION
from seawall.members import marked
from seawall.model import HEALTH_PATH
from seawall.paths import Paths
from seawall.process import Process, spawn

INSIDE = Path(__file__).parent / "inside"
# What the servers need, for an interpreter that has not got it. The compiled ones are used only where they load.
LENT = (
    "gunicorn",
    "uvicorn",
    "whitenoise",
    "packaging",
    "h11",
    "click",
    "typing_extensions",
    "httptools",
    "uvloop",
    "websockets",
)
MARK = "--- seawall: "  # begins the line after which the log is a new warm process's, or a new command's
TRIES_SIZE = 1 << 20  # bytes, as in inside/tries.py


def log_file(paths: Paths) -> Path:
    """Where all that the application prints goes."""
    return paths.logs / "application.log"


def begin_log(paths: Paths, what: str) -> None:
    """Mark where the output of `what` begins. Raises StateUnusable."""
    log = log_file(paths)
    try:
        with os.fdopen(files.open_to_append(log), "w") as file:
            file.write(f"{MARK}{datetime.now().isoformat(' ', 'seconds')} {what}\n")
    except OSError as error:
        raise _unusable(log, error) from error


def not_started(program: str, error: OSError, paths: Paths, remedy: str) -> SeawallError:
    """What to raise for a program that spawn() could not start."""
    log = log_file(paths)
    if error.filename == log:
        return _unusable(log, error)
    culprit = "" if error.filename in (None, program) else f" ({error.filename})"
    return ApplicationFailed(f"{program} cannot be started: {error.strerror}{culprit}.", remedy)


def _unusable(log: Path, error: OSError) -> StateUnusable:
    return StateUnusable(
        f"{log} cannot be written: {error.strerror}.",
        f"Make room or correct its permissions: df -h {shell(log.parent)}",
    )


def may_read(path: Path, user: tuple[int, int]) -> bool:
    """Whether the user (uid, gid) may enter the folder `path` and read what is in it, as far as the modes say."""
    uid, gid = user
    for folder, wanted in ((path, 0o5), *((parent, 0o1) for parent in path.parents)):
        seen = folder.stat()
        shift = 6 if seen.st_uid == uid else 3 if seen.st_gid == gid else 0
        if (seen.st_mode >> shift) & wanted != wanted:
            return False
    return True


def start(
    application: Application,
    paths: Paths,
    listener: socket.socket,
    *,
    warm: str = "",
    strict: bool = False,
    server: str = "",
    beat: socket.socket | None = None,
    doors: Sequence[int] = (),
) -> Process:
    """The warm process, or the server, that is named. Takes `listener` and `beat` along; close yours.

    Raises ApplicationFailed if the interpreter cannot be started.
    """
    if application.user and not may_read(INSIDE, application.user):
        raise ApplicationFailed(
            f"The application runs as user {application.user[0]}, who may not read Seawall's own files in {INSIDE}.",
            'Install Seawall where everybody may read it, such as /opt, or set user in seawall.toml: user = "…"',
        )
    told = {
        "kind": application.kind,
        "target": application.target,
        "project": asdict(application.project) if application.project else {},
        "version": VERSION,
        "listener": listener.fileno(),
        "beat": beat.fileno() if beat else -1,
        "concurrency": application.concurrency,
        "warm_path": application.warm_path,
        "warm_timeout": application.warm_timeout,
        "hosts": application.hosts,
        "health_path": HEALTH_PATH,
        "stop_timeout": application.stop_timeout,
        "borrow": _lent(),
        "strict": strict,
        "server": server,
    }
    memory = os.memfd_create("seawall")
    try:
        tries = told["tries"] = _tries(paths)
        os.write(memory, json.dumps(told).encode())
        os.lseek(memory, 0, os.SEEK_SET)
        command = [str(application.python), "-u", str(INSIDE), server or "warm", str(memory)]
        marks = marked(paths.mark, "server" if server else "warm", server or warm)
        return spawn(
            command,
            folder=application.folder,
            environment={**marks, **application.environment, "SEAWALL_SERVER": server, **marks},
            log=log_file(paths),
            fds=(memory, tries, *(each.fileno() for each in (listener, beat) if each)),
            user=application.user,
            doors=doors,
        )
    except OSError as error:
        remedy = 'Name in seawall.toml a Python that the application\'s user may run: python = "…"'
        raise not_started(str(application.python), error, paths, remedy) from error
    finally:
        os.close(memory)


@cache
def _tries(paths: Paths) -> int:
    """The memory by which servers know what others have died under, the same for all that we start.

    Its size is sealed: the application has it too, and could make it as large as the machine's memory. Its room is
    taken now, as writing to what has none would end a server.
    """
    fd = os.memfd_create("tries", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.posix_fallocate(fd, 0, TRIES_SIZE)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL)
    return fd


def _lent() -> dict[str, str]:
    """Package → the folder it is in."""
    specs = {name: importlib.util.find_spec(name) for name in LENT}
    return {name: str(Path(spec.origin).parent.parent) for name, spec in specs.items() if spec and spec.origin}
