"""What a process inside is told: one JSON document on an inherited file descriptor, never in its arguments."""

import json
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from typing import Any, NoReturn

# Of the document, and of the notes in the memory that comes with it (tries.py): another one where a field changes its
# meaning, or the notes their form; new fields may come and go within it.
VERSION = 1

Serve = Callable[[str, socket.socket, socket.socket | None], None]  # a server's name, its socket, that for heartbeats


@dataclass
class Setup:
    """Written by `seawall.fleet.interpreter`, which may be of another release: Seawall is upgraded while it runs."""

    kind: str  # django, wsgi, asgi
    target: str  # module:object, or a settings module
    listener: int  # file descriptor: the command socket of a warm process, the HTTP socket of a server
    beat: int = -1  # file descriptor of a server's socket for heartbeats; below 0 for none
    concurrency: int = 4
    warm_path: str = ""  # "": import only
    warm_timeout: float = 10.0  # s
    hosts: list[str] = field(default_factory=lambda: ["localhost"])  # of the site, at least one; IPv6 in brackets
    health_path: str = "/-/seawall/health"
    stop_timeout: float = 30.0  # s requests in flight get at SIGTERM
    borrow: dict[str, str] = field(default_factory=dict)  # package → folder it is in, for what the application lacks
    project: dict[str, Any] = field(default_factory=dict)  # Project in seawall/fleet/django.py; empty: not Django's
    strict: bool = False  # other code serves now: this one is to fail here, not at its first request
    server: str = ""  # name of the one server to be, without a warm process
    notes: list[str] = field(default_factory=list)  # said by this process before it executed itself again
    tries: int = -1  # file descriptor of the notes of all servers, see tries.py
    report: dict[str, Any] | None = None  # only answer with this report
    version: int = VERSION

    @property
    def host(self) -> str:
        """The most usual name of the site."""
        return self.hosts[0].removeprefix("*.")


def read(fd: int) -> Setup:
    """Fields that are not known belong to a later release. Leaves by sys.exit if the document is of another version."""
    with open(fd) as file:
        told = json.load(file)
    if told.get("version", VERSION) != VERSION:
        sys.exit(
            f"Seawall was upgraded while it ran: it speaks version {told['version']} to its servers, and what is "
            f"installed now speaks version {VERSION}. Start it anew: seawall up"
        )
    known = {each.name for each in fields(Setup)}
    setup = Setup(**{name: value for name, value in told.items() if name in known})
    if setup.tries >= 0:
        os.set_inheritable(setup.tries, False)
    return setup


def entitle(name: str) -> None:
    """What ps and top show, and by which one that nobody has on record is found: seawall/control/strangers.py."""
    if not _names:
        os.register_at_fork(after_in_child=_be_a_job)
    _names[:] = [name]
    _show(f"seawall {name}")


_names: list[str] = []  # of this process, once it has one


def _be_a_job() -> None:
    """What the application forks is none of ours, and may outlive us."""
    _show(f"job of {_names[0]}")


def _show(title: str) -> None:
    with open("/proc/self/comm", "w") as comm:
        comm.write(title)


def again(setup: Setup) -> NoReturn:
    """Become a fresh process under the same pid: no threads, no connections, nothing imported."""
    memory = os.memfd_create("seawall", 0)
    os.write(memory, json.dumps(asdict(setup)).encode())
    os.lseek(memory, 0, os.SEEK_SET)
    for fd in {setup.listener, setup.tries} - {-1}:
        os.set_inheritable(fd, True)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [*sys.orig_argv[:-1], str(memory)])
