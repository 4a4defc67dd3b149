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
PROCESS = "SEAWALL_PROCESS"
READ = 65536  # bytes of an environment, in which ours come first: a process may have any number of gigabytes for it


@dataclass(frozen=True)
class Member:
    """A process as /proc shows it."""

    pid: int
    started: int  # clock ticks since boot
    parent: int
    session: int
    marks: tuple[str, str]  # site and process it was started for; "" where its environment does not say
    title: str = ""  # its name, cut after 15 bytes; it may choose another


def marked(site: str, kind: str, name: str) -> dict[str, str]:
    """The environment variables that mark the process `name` of this kind, and what it starts itself."""
    return {SITE: site, PROCESS: f"{kind}/{name}"}


def everybody() -> list[Member]:
    """All processes of this machine that are no zombies, as far as we may look at them."""
    return [member for entry in os.listdir("/proc") if entry.isdigit() and (member := _look(int(entry)))]


def of_site(site: str) -> list[Member]:
    """What was started for the site, and all that descends from it; never ourselves or our parents."""
    seen = everybody()
    return _family({member.pid for member in seen if member.marks[0] == site}, seen)


def of_process(
    site: str, kind: str, name: str, leader: Process | None, seen: list[Member] | None = None
) -> list[Member]:
    """One process, while it lives, and what it has started itself: by its mark, its session, its children."""
    seen = everybody() if seen is None else seen
    found = {member.pid for member in seen if member.marks == (site, f"{kind}/{name}")}
    return _family(found | _led_by(leader, seen), seen)


def orphans(site: str) -> list[Member]:
    """What our own processes have left to us, who take in their children, and all that descends from it."""
    seen = everybody()
    ours = {member.pid for member in seen if member.parent == os.getpid() and member.marks[0] in (site, "")}
    return _family(ours, seen)


def of_leaders(leaders: Iterable[Process], seen: list[Member] | None = None) -> list[Member]:
    """The same without marks: a forked server shows those of the warm process that it came from."""
    seen = everybody() if seen is None else seen
    return _family({pid for leader in leaders for pid in _led_by(leader, seen)}, seen)


def _led_by(leader: Process | None, seen: list[Member]) -> set[int]:
    """Each of our processes leads a session; its number means that only while the leader lives."""
    if leader is None or not leader.alive:
        return set()
    return {member.pid for member in seen if member.session == leader.pid} | {leader.pid}


def adopted(members: Iterable[Member]) -> list[Process]:
    """Handles on those that are still the processes they were. Close them."""
    return [process for member in members if (process := Process.adopt(member.pid, member.started))]


def kill(members: Iterable[Member]) -> list[Process]:
    """SIGKILL to each that is still the process it was. Returns them, to be waited for and closed."""
    found = adopted(members)
    for process in found:
        process.signal(signal.SIGKILL)
    return found


def mark(pid: int) -> str:
    """The site that a process was started for, as far as we may look; "" where it does not say."""
    return _marks(pid)[0]


def describe(pid: int) -> str:
    """For example "python (pid 812)"."""
    try:
        name = Path(f"/proc/{pid}/comm").read_text(errors="replace").strip()
    except OSError:
        return f"pid {pid}"
    # Its owner has chosen the name: it must not speak to our terminal.
    return f"{''.join(letter if letter.isprintable() else '?' for letter in name)} (pid {pid})"


def _look(pid: int) -> Member | None:
    try:
        title, _, rest = Path(f"/proc/{pid}/stat").read_text(errors="replace").partition("(")[2].rpartition(")")
    except OSError:
        return None
    fields = rest.split()
    if fields[0] in "ZX":
        return None
    return Member(pid, int(fields[19]), int(fields[1]), int(fields[3]), _marks(pid), title)


def _marks(pid: int) -> tuple[str, str]:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            environment = b"\0" + file.read(READ)
    except OSError:  # another user's, or it has just ended
        return "", ""
    return _variable(environment, SITE), _variable(environment, PROCESS)


def _variable(environment: bytes, name: str) -> str:
    _, found, rest = environment.partition(f"\0{name}=".encode())
    return rest.partition(b"\0")[0].decode(errors="replace") if found else ""


def _family(found: set[int], seen: list[Member]) -> list[Member]:
    """Those in `found`, and the children of all of them, and theirs; without us."""
    # Another site may have been started from a server of this one: it is nobody's child.
    sites = {member.marks[0] for member in seen if member.pid in found} | {""}
    kin = [member for member in seen if member.marks[0] in sites]
    while (grown := found | {member.pid for member in kin if member.parent in found}) != found:
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
