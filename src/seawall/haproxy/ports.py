"""Which program listens on a port, as far as /proc lets us see."""

import os
import re
from pathlib import Path

_LISTEN = "0A"  # TCP_LISTEN in include/net/tcp_states.h


def holder(port: int) -> str | None:
    """For example "nginx (pid 812)"; None if it is not visible to us."""
    inodes = _inodes(port)
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if any(os.readlink(fd.path) in inodes for fd in os.scandir(folder / "fd")):
                return f"{(folder / 'comm').read_text(errors='replace').strip()} (pid {folder.name})"
        except OSError:
            # It has ended meanwhile, or belongs to another user.
            continue
    return None


def _inodes(port: int) -> set[str]:
    """Links in /proc/PID/fd of sockets listening on `port` (proc(5), /proc/net/tcp)."""
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if not os.path.exists(table):
            continue
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTEN and re.search(f":{port:04X}$", fields[1]):
                found.add(f"socket:[{fields[9]}]")
    return found
