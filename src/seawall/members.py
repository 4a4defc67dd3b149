"""Finds every process that belongs to a site, whoever started it: by a mark in its environment, session or parents.

A process that we start carries the site's mark (`Paths.mark`) in its environment, and hands it on to what it starts. A
session or a process number alone is no identity, both are used again.
"""

import os
import signal
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from seawall.process import Process

SITE = "SEAWALL_SITE"
SERVER = "SEAWALL_SERVER"


@dataclass(frozen=True)
class Member:
    """A process as /proc shows it."""

    pid: int
    started: int  # clock ticks since boot
    parent: int
    session: int
    marks: tuple[str, str]  # site and server it was started for; "" where its environment does not say


def everybody() -> list[Member]:
    """All processes of this machine that are no zombies, as far as we may look at them."""
    return [member for entry in os.listdir("/proc") if entry.isdigit() and (member := _look(int(entry)))]


def of_site(site: str) -> list[Member]:
    """What was started for the site, and all that descends from it; never ourselves or our parents."""
    seen = everybody()
    return _family({member.pid for member in seen if member.marks[0] == site}, seen)


def of_server(site: str, server: str, leader: Process | None) -> list[Member]:
    """What one server has started itself, and the server too while it lives."""
    seen = everybody()
    found = {member.pid for member in seen if member.marks == (site, server)}
    if leader and leader.alive:
        found |= {member.pid for member in seen if member.session == leader.pid} | {leader.pid}
    return _family(found, seen)


def kill(members: Iterable[Member]) -> list[Process]:
    """SIGKILL to each that is still the process it was. Returns them, to be waited for and closed."""
    found = [process for member in members if (process := Process.adopt(member.pid, member.started))]
    for process in found:
        process.signal(signal.SIGKILL)
    return found


def describe(pid: int) -> str:
    """For example "python (pid 812)"."""
    try:
        return f"{Path(f'/proc/{pid}/comm').read_text(errors='replace').strip()} (pid {pid})"
    except OSError:
        return f"pid {pid}"


def _look(pid: int) -> Member | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rsplit(")", 1)[1].split()
    except OSError:
        return None
    if fields[0] in "ZX":
        return None
    return Member(pid, int(fields[19]), int(fields[1]), int(fields[3]), _marks(pid))


def _marks(pid: int) -> tuple[str, str]:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:  # another user's, or it has just ended
        return "", ""
    return _variable(environment, SITE), _variable(environment, SERVER)


def _variable(environment: bytes, name: str) -> str:
    for line in environment.split(b"\0"):
        if line.startswith(name.encode() + b"="):
            return line.partition(b"=")[2].decode(errors="replace")
    return ""


def _family(found: set[int], seen: list[Member]) -> list[Member]:
    """Those in `found`, and the children of all of them, and theirs; without us."""
    while (grown := found | {member.pid for member in seen if member.parent in found}) != found:
        found = grown
    ours = set(_ourselves())
    return [member for member in seen if member.pid in found and member.pid not in ours]


def _ourselves() -> Iterator[int]:
    """Us and our parents: `seawall down` may be run by the application itself."""
    pid = os.getpid()
    while pid:
        yield pid
        try:
            pid = int(Path(f"/proc/{pid}/stat").read_text(errors="replace").rsplit(")", 1)[1].split()[1])
        except OSError:
            return
