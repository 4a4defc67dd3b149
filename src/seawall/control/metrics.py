"""Measures the site: requests a second, latency percentiles and queue, from the balancers' counters over a window."""

import asyncio
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from seawall.control.processes import Balancer, Processes
from seawall.errors import EngineFailed
from seawall.haproxy.render import EXACT_RATE
from seawall.haproxy.socket import Traffic

WINDOW = 10.0  # s
EVERY = 1.0  # s

Histogram = Mapping[tuple[str, int], int]  # (server, latency in ms) → requests


@dataclass(frozen=True)
class Sample:
    """What happened between two readings."""

    seconds: float
    requests: int = 0
    errors: int = 0
    servers: Counter[str] = field(default_factory=Counter)  # server → requests given to it
    latencies: Counter[tuple[str, int]] = field(default_factory=Counter)


@dataclass
class Last:
    pid: int
    traffic: Traffic
    latencies: Histogram


class Meter:
    """Keeps the samples of the last `WINDOW` seconds."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._last: dict[str, Last] = {}
        self._samples: deque[Sample] = deque()
        self.queue = 0
        self.current = 0

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        before = loop.time()
        while True:
            await asyncio.sleep(EVERY)
            now = loop.time()
            await self._sample(now - before)
            before = now

    async def _sample(self, seconds: float) -> None:
        readings = [await self._read(balancer) for balancer in self._processes.balancers.values()]
        known = [reading for reading in readings if reading]
        self.queue = sum(traffic.queued for traffic, _ in known)
        self.current = sum(traffic.active for traffic, _ in known)
        self._samples.append(
            Sample(
                seconds,
                sum(change.requests for _, change in known),
                sum(change.errors for _, change in known),
                sum((change.servers for _, change in known), Counter()),
                sum((change.latencies for _, change in known), Counter()),
            )
        )
        while len(self._samples) > WINDOW / EVERY:
            self._samples.popleft()

    async def _read(self, balancer: Balancer) -> tuple[Traffic, Sample] | None:
        """A balancer's present load and what it did since it was last read; None if it does not say."""
        process = balancer.process
        if process is None or not balancer.alive or not balancer.answering or balancer.owes:
            return None
        try:
            traffic, latencies = await balancer.socket.traffic(), await balancer.socket.latencies()
        except (OSError, EngineFailed):
            return None
        last = self._last.get(balancer.name)
        self._last[balancer.name] = Last(process.pid, traffic, latencies)
        if last is None or last.pid != process.pid:
            return traffic, Sample(0.0)
        return traffic, change(last, traffic, latencies)

    def summary(self) -> dict[str, Any]:
        """Rates in requests a second, latencies in ms (None without requests), over the window."""
        seconds = sum(sample.seconds for sample in self._samples) or 1.0
        servers: Counter[str] = Counter()
        latencies: Counter[tuple[str, int]] = Counter()
        for sample in self._samples:
            servers.update(sample.servers)
            latencies.update(sample.latencies)
        return {
            "requests_per_second": sum(s.requests for s in self._samples) / seconds,
            "errors_per_second": sum(s.errors for s in self._samples) / seconds,
            "current": self.current,
            "queue": self.queue,
            **_percentiles(latencies),
            "servers": {
                name: {
                    "requests_per_second": servers[name] / seconds,
                    **_percentiles({key: n for key, n in latencies.items() if key[0] == name}),
                }
                for name in servers
            },
        }


def change(last: Last, traffic: Traffic, latencies: Histogram) -> Sample:
    """What a balancer did between two readings. `Counter`'s difference leaves out what began anew at zero."""
    given = Counter(traffic.servers) - Counter(last.traffic.servers)
    noted = Counter(latencies) - Counter(last.latencies)
    # Of a very busy second not all latencies are noted, yet it counts for as much as it had requests.
    weight = given.total() / (noted.total() or 1) if given.total() > EXACT_RATE else 1
    return Sample(
        0.0,
        traffic.requests - last.traffic.requests,
        traffic.responses["5xx"] - last.traffic.responses["5xx"],
        given,
        Counter({key: round(n * weight) for key, n in noted.items()}),
    )


def _percentiles(latencies: Histogram) -> dict[str, int | None]:
    return {"p50_ms": percentile(latencies, 0.5), "p99_ms": percentile(latencies, 0.99)}


def percentile(latencies: Histogram, share: float) -> int | None:
    """The smallest latency in ms that `share` (0..1) of the requests did not exceed; None without requests."""
    total = sum(n for n in latencies.values() if n > 0)
    if not total:
        return None
    seen = 0
    for (_, ms), n in sorted(latencies.items(), key=lambda item: item[0][1]):
        seen += max(n, 0)
        if seen >= share * total:
            return ms
    return None
