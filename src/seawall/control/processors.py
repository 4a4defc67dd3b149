"""How much the servers, and the machine as a whole, use the processors."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from seawall.control.processes import Server
from seawall.process import TICKS, processor_time

APART = 0.25  # s between two looks
IDLE = 1.0  # s between two while the servers have nothing to do


@dataclass
class ProcessorTime:
    """Seconds since the first look; what servers used that have ended since is in it, but for the last moments."""

    used: float = 0.0  # by servers
    busy: float = 0.0  # all processors of the machine, half of them counting half
    _at: float = -IDLE
    _last: dict[str, float] = field(default_factory=dict)

    def look(self, servers: Mapping[str, Server], idle: bool, now: float) -> None:
        """Read what has been used, unless that was done just now."""
        if now - self._at < (IDLE if idle else APART):
            return
        self._at = now
        seconds = {name: used for name, one in servers.items() if (used := _used(one)) is not None}
        # What a server used before it was first seen is not of now.
        self.used += sum(max(0.0, used - self._last.get(name, used)) for name, used in seconds.items())
        self._last = seconds
        self.busy = _busy()


def _used(server: Server) -> float | None:
    """What its process used; what a command leaves to children is counted when those end."""
    used = processor_time(server.process.pid) if server.process and server.alive else None
    return used and sum(used)


def _busy() -> float:
    """Since the machine started: time that was neither idle nor spent waiting for a disk (proc(5), /proc/stat)."""
    with Path("/proc/stat").open() as file:
        words = file.readline().split()
    times = [int(word) for word in words[1:9]]
    return (sum(times) - times[3] - times[4]) / TICKS / (os.cpu_count() or 1)
