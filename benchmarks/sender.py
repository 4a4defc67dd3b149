"""Sends requests when they are due, whatever became of those before, and counts latency from that time on.

A closed loop asks again only when it was answered: a server that stalls is asked less, and the stall is hardly seen
("coordinated omission"). See docs/decisions for why this is not one of the usual tools.
"""

import asyncio
import gc
import random
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from hdrh.histogram import HdrHistogram

from benchmarks.measure import MeasurementFailed

SETTLE = 0.3  # s from the first connection to the first request
TIMEOUT = 30.0  # s the last answers may take


@dataclass(frozen=True)
class Due:
    """One request: s after the start, and what it asks for."""

    at: float
    path: str


def poisson(rate: float, seconds: float, seed: int, paths: Sequence[str], weights: Sequence[float]) -> list[Due]:
    """Arrivals of independent people, `rate` a second; the same seed is the same arrivals."""
    chance = random.Random(seed)
    schedule, at = [], chance.expovariate(rate)
    while at < seconds:
        schedule.append(Due(at, chance.choices(paths, weights)[0]))
        at += chance.expovariate(rate)
    return schedule


def _histogram() -> HdrHistogram:
    return HdrHistogram(1, 60_000_000, 3)  # µs


@dataclass
class Latencies:
    """Histograms in µs, by path; `late` is how far behind its schedule the sender itself was."""

    paths: dict[str, HdrHistogram] = field(default_factory=dict)
    late: HdrHistogram = field(default_factory=_histogram)

    def ms(self, percentile: float, path: str) -> float:
        """`percentile` is 0..100."""
        return float(self.paths[path].get_value_at_percentile(percentile)) / 1000

    @property
    def late_ms(self) -> float:
        """The sender's own p99 delay."""
        return float(self.late.get_value_at_percentile(99)) / 1000


class _Connection(asyncio.Protocol):
    """One request at a time; answers have a Content-Length."""

    def __init__(self) -> None:
        self.received = b""
        self.answer: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, end, body = self.received.partition(b"\r\n\r\n")
        _, found, length = head.lower().partition(b"content-length:")
        if end and self.answer and (not found or len(body) >= int(length.split(b"\r\n", 1)[0])):
            answer, self.answer, self.received = self.answer, None, b""
            answer.set_result(head)

    def connection_lost(self, error: Exception | None) -> None:
        if self.answer and not self.answer.done():
            self.answer.set_exception(MeasurementFailed(f"a connection broke under a request: {error}"))

    async def ask(self, request: bytes) -> bytes:
        """The head of the answer."""
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self.answer


@dataclass
class Sender:
    """Keeps its connections and opens another when all are taken."""

    port: int
    tls: ssl.SSLContext | None = None
    idle: list[_Connection] = field(default_factory=list)
    found: Latencies = field(default_factory=Latencies)

    async def run(self, schedule: Sequence[Due], connections: int) -> Latencies:
        self.found.paths = {path: _histogram() for path in {due.path for due in schedule}}
        self.idle = [await self._connect() for _ in range(connections)]
        start = time.perf_counter() + SETTLE
        async with asyncio.TaskGroup() as requests:
            for due in schedule:
                intended = start + due.at
                await asyncio.sleep(max(0.0, intended - time.perf_counter()))
                self.found.late.record_value(max(1, int((time.perf_counter() - intended) * 1e6)))
                requests.create_task(self._one(due.path, intended))
        for connection in self.idle:
            connection.transport.close()
        return self.found

    async def _one(self, path: str, intended: float) -> None:
        request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        async with asyncio.timeout(TIMEOUT):
            connection = await self._free()
            head = await connection.ask(request)
        if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.0 200")):
            raise MeasurementFailed(f"{path} was answered {head[:60]!r}")
        self.found.paths[path].record_value(max(1, int((time.perf_counter() - intended) * 1e6)))
        if b"\r\nconnection: close" in head.lower():
            connection.transport.close()
        else:
            self.idle.append(connection)

    async def _free(self) -> _Connection:
        while self.idle:
            connection = self.idle.pop()
            if not connection.transport.is_closing():
                return connection
        return await self._connect()

    async def _connect(self) -> _Connection:
        name = "localhost" if self.tls else None
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            _Connection, "127.0.0.1", self.port, ssl=self.tls, server_hostname=name
        )
        return connection


def send(schedule: Sequence[Due], port: int, tls: ssl.SSLContext | None = None, connections: int = 16) -> Latencies:
    """Send it all. Raises MeasurementFailed for anything but an answer 200."""
    gc.collect()
    gc.freeze()
    try:
        return asyncio.run(Sender(port, tls).run(schedule, connections))
    except* MeasurementFailed as failures:
        raise failures.exceptions[0] from None
