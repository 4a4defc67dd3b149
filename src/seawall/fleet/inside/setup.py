"""What a process inside is told: one JSON document on an inherited file descriptor, never in its arguments."""

import json
import os
import sys
from dataclasses import asdict, dataclass, field
from typing import Any, NoReturn


@dataclass
class Setup:
    """Written by `seawall.fleet.warm` and `seawall.fleet.server`."""

    kind: str  # django, wsgi, asgi
    target: str  # a settings module, or module:object
    listener: int  # file descriptor: the command socket of a warm process, the HTTP socket of a server
    concurrency: int
    warm_path: str  # "": import only
    warm_timeout: float  # s
    hosts: list[str]  # under which people reach the site, at least one; IPv6 addresses in brackets
    health_path: str
    stop_timeout: float  # s requests in flight get at SIGTERM
    borrow: dict[str, str] = field(default_factory=dict)  # package → folder it is in, for what the application lacks
    server: str = ""  # name of the one server to be, without a warm process
    notes: list[str] = field(default_factory=list)  # said by this process before it executed itself again
    tries: int = -1  # file descriptor of the notes of all servers, see tries.py
    report: dict[str, Any] | None = None  # only answer with this report

    @property
    def host(self) -> str:
        """The most usual name of the site."""
        return self.hosts[0].removeprefix("*.")


def read(fd: int) -> Setup:
    with open(fd) as file:
        setup = Setup(**json.load(file))
    if setup.tries >= 0:
        os.set_inheritable(setup.tries, False)
    return setup


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
