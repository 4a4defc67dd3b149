"""What each server takes of the machine: its share of a processor, and its memory."""

import time
from collections import deque
from dataclasses import dataclass, field

from seawall.control.processes import Server
from seawall.process import memory_used, processor_time

EVERY = 10.0  # s between two readings of processor time
FRESH = 5.0  # s for which a reading of memory, which takes the kernel a millisecond a server, is good enough
BUDGET = 0.01  # s of one answer that such readings may take; the rest are read for the next one


@dataclass
class Usage:
    """Readings, by the name of the server. Only its own process counts: not what it has started itself."""

    _processor: dict[str, "deque[tuple[float, float]]"] = field(default_factory=dict)  # when, and seconds used
    _memory: dict[str, tuple[float, int]] = field(default_factory=dict)  # when, and bytes
    _read_at: float = 0.0

    def look(self, servers: dict[str, Server], now: float) -> None:
        """Note the processor time of all servers, if it is time to."""
        if now - self._read_at < EVERY:
            return
        self._read_at = now
        self._processor = {name: self._processor.get(name, deque(maxlen=2)) for name in servers}
        self._memory = {name: one for name, one in self._memory.items() if name in servers}
        for name, server in servers.items():
            if (used := _processor_time(server)) is not None:
                self._processor[name].append((now, used))

    def processor(self, server: Server, now: float) -> float | None:
        """The share of one processor that it took over the last 10 to 20 s, or since its start."""
        used = _processor_time(server)
        known = self._processor.get(server.name)
        since, before = known[0] if known else (server.started, 0.0)
        if used is None or now <= since:
            return None
        return max(0.0, used - before) / (now - since)

    def memory(self, servers: dict[str, Server], now: float) -> dict[str, int | None]:
        """Bytes: what only one process has in full, what several share in equal parts (PSS). None where not known."""
        until = time.monotonic() + BUDGET
        for name in sorted(servers, key=lambda name: self._memory.get(name, (-FRESH, 0))[0]):
            when, _ = self._memory.get(name, (-FRESH, 0))
            if now - when >= FRESH and time.monotonic() < until and (size := _proportional(servers[name])):
                self._memory[name] = now, size
        return {name: self._memory[name][1] if name in self._memory else None for name in servers}


def _processor_time(server: Server) -> float | None:
    used = processor_time(server.process.pid) if server.process and server.alive else None
    return used and used[0]


def _proportional(server: Server) -> int | None:
    return memory_used(server.process.pid) if server.process and server.alive else None
