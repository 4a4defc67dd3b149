"""Which program listens on a port, as far as /proc lets us see."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from seawall import members, rights, sites
from seawall.errors import shell
from seawall.process import owner

_LISTEN = "0A"  # TCP_LISTEN in include/net/tcp_states.h


@dataclass(frozen=True)
class Holder:
    words: str
    end: str  # how to have it let go of the port


def holder(port: int) -> Holder:
    """For example "nginx (pid 812)", or whose it is where that is not visible to us."""
    listening = _listening(port)
    pids = list(_holders(listening))
    # A site's control plane holds the port as well, and carries no mark.
    for site in filter(None, map(_site, pids)):
        return Holder(f"the site in {site}", f"Stop it: seawall -C {shell(site)} down")
    if pids:
        return Holder(members.describe(pids[0]), "End that program")
    others = [rights.user_name(uid) for uid in listening.values()]
    return Holder(
        f"a program of {others[0]}" if others else "another program", f"See which: sudo ss -ltnp sport = :{port}"
    )


def _holders(listening: Mapping[str, int]) -> Iterator[int]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if any(os.readlink(fd.path) in listening for fd in os.scandir(folder / "fd")):
                yield int(folder.name)
        except OSError:
            # It has ended meanwhile, or belongs to another user.
            continue


def _site(pid: int) -> Path | None:
    """The folder of the site that a process was started for; that of another user than its own is not believed."""
    runtime, uid = members.mark(pid).partition(":")[0], owner(pid)
    if not runtime or uid is None:
        return None
    if rights.user_name(uid) == "haproxy":
        uid = 0  # where root serves
    claims = (sites.read(place / runtime, uid) for place in sites.places(uid))
    return next((Path(claim.project) for claim in claims if claim), None)


def _listening(port: int) -> dict[str, int]:
    """Of the sockets that listen on `port`, the links in /proc/PID/fd and whose they are (proc(5), /proc/net/tcp)."""
    found = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if not os.path.exists(table):
            continue
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTEN and re.search(f":{port:04X}$", fields[1]):
                found[f"socket:[{fields[9]}]"] = int(fields[7])
    return found
