"""Sends requests when they are due, whatever became of those before, and counts latency from that time on.

A closed loop asks again only when it was answered: a server that stalls is asked less, and the stall is hardly seen
("coordinated omission"). See docs/decisions for why this is not one of the usual tools.
"""

import asyncio
import contextlib
import gc
import random
import ssl
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import uvloop
from hdrh.histogram import HdrHistogram

from benchmarks.measure import MeasurementFailed

SETTLE = 0.3  # s from the first connection to the first request
TIMEOUT = 30.0  # s the last answers may take


@dataclass(frozen=True)
class Due:
    """One request: s after the start, and what it asks for."""

    at: float
    path: str
    method: str = "GET"
    body: bytes = b""

    @property
    def request(self) -> bytes:
        length = f"Content-Length: {len(self.body)}\r\n" if self.body or self.method == "POST" else ""
        return f"{self.method} {self.path} HTTP/1.1\r\nHost: localhost\r\n{length}\r\n".encode() + self.body


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


@dataclass(frozen=True)
class Answer:
    """What came of one request: when it was due (s after the start), and how long after that it was answered (s)."""

    due: Due
    seconds: float


@dataclass
class Latencies:
    """Histograms in µs, by path; `late` is how far behind its schedule the sender itself was."""

    paths: dict[str, HdrHistogram] = field(default_factory=dict)
    late: HdrHistogram = field(default_factory=_histogram)
    failed: Counter[str] = field(default_factory=Counter)  # what happened instead of an answer 200
    answers: list[Answer] = field(default_factory=list)

    def ms(self, percentile: float, path: str) -> float:
        """`percentile` is 0..100."""
        return float(self.paths[path].get_value_at_percentile(percentile)) / 1000

    @property
    def late_ms(self) -> float:
        """The sender's own p99 delay."""
        return float(self.late.get_value_at_percentile(99)) / 1000

    def answered(self, due: Due, seconds: float) -> None:
        self.answers.append(Answer(due, seconds))
        self.paths.setdefault(due.path, _histogram()).record_value(max(1, int(seconds * 1e6)))

    def sent(self, late: float) -> None:
        """One request went out, `late` s after it was due."""
        self.late.record_value(max(1, int(late * 1e6)))


class Broken(Exception):
    """A request came to something else than an answer 200."""


class _Connection(asyncio.Protocol):
    """One request at a time; answers have a Content-Length."""

    def __init__(self) -> None:
        self.received = b""
        self.answer: asyncio.Future[bytes] | None = None
        self.used = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, end, body = self.received.partition(b"\r\n\r\n")
        _, found, length = head.lower().partition(b"content-length:")
        if end and self.answer and (not found or len(body) >= int(length.split(b"\r\n", 1)[0])):
            answer, self.answer, self.received = self.answer, None, b""
            answer.set_result(head)

    def connection_lost(self, error: Exception | None) -> None:
        if self.answer and not self.answer.done():
            self.answer.set_exception(Broken(f"a connection broke under a request: {error}"))

    async def ask(self, request: bytes) -> bytes:
        """The head of the answer."""
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        head = await self.answer
        self.used = True
        return head


@dataclass
class Connections:
    """Kept connections to one port; another is opened when all are taken."""

    port: int
    tls: ssl.SSLContext | None = None
    idle: list[_Connection] = field(default_factory=list)

    async def ask(self, due: Due) -> None:
        """Send it and wait for its answer. Raises Broken for anything but 200 within TIMEOUT."""
        try:
            async with asyncio.timeout(TIMEOUT):
                connection, head = await self._answer(due)
        except (OSError, TimeoutError) as error:
            raise Broken(f"{due.path}: {type(error).__name__}") from error
        if b"\r\nconnection: close" in head.lower():
            connection.transport.close()
        else:
            self.idle.append(connection)
        if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.0 200")):
            raise Broken(f"{due.path} was answered {head[:60]!r}")

    async def _answer(self, due: Due) -> tuple[_Connection, bytes]:
        """As browsers do: a kept connection that closes under a GET was closed for its age, and another is taken."""
        while True:
            connection = await self._free()
            kept = connection.used
            try:
                return connection, await connection.ask(due.request)
            except Broken:
                if due.method != "GET" or not kept:
                    raise

    async def open(self, number: int) -> None:
        self.idle += [await self._connect() for _ in range(number)]

    def close(self) -> None:
        for connection in self.idle:
            connection.transport.close()

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


@dataclass
class Sender:
    """An open loop: `schedule` in order of time, which may be made while it is sent."""

    port: int
    tls: ssl.SSLContext | None = None
    found: Latencies = field(default_factory=Latencies)

    async def run(self, schedule: Iterable[Due], connections: int) -> Latencies:
        kept = Connections(self.port, self.tls)
        await kept.open(connections)
        start = time.perf_counter() + SETTLE
        async with asyncio.TaskGroup() as requests:
            for due in schedule:
                intended = start + due.at
                await asyncio.sleep(max(0.0, intended - time.perf_counter()))
                self.found.sent(time.perf_counter() - intended)
                requests.create_task(self._one(kept, due, intended))
        kept.close()
        return self.found

    async def _one(self, kept: Connections, due: Due, intended: float) -> None:
        try:
            await kept.ask(due)
        except Broken as broken:
            self.found.failed[str(broken)] += 1
        else:
            self.found.answered(due, time.perf_counter() - intended)


@contextlib.contextmanager
def without_pauses() -> Iterator[None]:
    """Without the garbage collector looking through what is there already."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def on_time(sending: Coroutine[Any, Any, Latencies]) -> Latencies:
    """Run it on the fastest loop there is, undisturbed."""
    with without_pauses():
        return uvloop.run(sending)


def punctual(measure: Callable[[], Latencies], ms: float, times: int = 3) -> Latencies:
    """The first of some measurements whose sender's own p99 delay was at most `ms`: the figures of others are void.

    Raises MeasurementFailed if there was none.
    """
    late = []
    for _ in range(times):
        found = measure()
        if found.late_ms <= ms:
            return found
        late.append(f"{found.late_ms:.0f}")
    raise MeasurementFailed(f"void: the sender itself was {', '.join(late)} ms late (p99), not {ms:g}")


def attempt(schedule: Iterable[Due], port: int, tls: ssl.SSLContext | None = None, connections: int = 16) -> Latencies:
    """Send it all, and count what fails."""
    return on_time(Sender(port, tls).run(schedule, connections))


def send(schedule: Iterable[Due], port: int, tls: ssl.SSLContext | None = None, connections: int = 16) -> Latencies:
    """Send it all. Raises MeasurementFailed for anything but an answer 200."""
    found = attempt(schedule, port, tls, connections)
    for what in found.failed:
        raise MeasurementFailed(what)
    return found
