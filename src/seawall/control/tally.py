"""Adds up what the balancers have counted, over the lives of all of them, to the load that decisions see."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from seawall.control.processes import Balancer, Server
from seawall.control.processors import ProcessorTime
from seawall.haproxy.statistics import Reading
from seawall.model import Load, Strategy

OLD = 1.0  # s for which a reading of a balancer counts
APART = 1.0  # s between two readings: what happened between others is not known


@dataclass
class Last:
    """The last reading of one balancer process."""

    pid: int
    strategy: Strategy
    reading: Reading
    at: float


class Tally:
    """Told of each reading of each balancer. Times in s, the loop's clock."""

    def __init__(self) -> None:
        self._processors = ProcessorTime()
        self._last: dict[str, Last] = {}
        self._arrived = self._finished = 0
        self._work = 0.0

    def heard(self, name: str, pid: int, strategy: Strategy, reading: Reading, at: float) -> None:
        """Add what a balancer did since it was last read. The first reading only says where its counts began."""
        last = self._last.get(name)
        self._last[name] = Last(pid, strategy, reading, at)
        if last is None or (last.pid, last.strategy) != (pid, strategy):
            return
        self._arrived += max(0, reading.arrived - last.reading.arrived)
        for server, (given, current) in reading.servers.items():
            given_before, current_before = last.reading.servers.get(server, (0, 0))
            if given >= given_before:
                self._finished += max(0, given - given_before - current + current_before)
        if at - last.at <= APART:
            self._work += (at - last.at) * (_requests(reading) + _requests(last.reading)) / 2

    def load(
        self, active: str, balancers: Mapping[str, Balancer], servers: Mapping[str, Server], now: float
    ) -> Load | None:
        """What is known now; None while the active balancer does not say."""
        fresh = {
            name: last for name, last in self._last.items() if now - last.at <= OLD and _same(last, balancers.get(name))
        }
        if active not in fresh:
            return None
        readings = [last.reading for last in fresh.values()]
        self._processors.look(servers, not any(reading.serving for reading in readings), now)
        return Load(
            fresh[active].at,
            self._arrived,
            self._finished,
            self._work,
            sum(map(_requests, readings)),
            sum(reading.streams for reading in readings),
            sum(reading.queued for reading in readings),
            complete=_all_read(fresh, balancers.values()),
            processor=self._processors.used,
            busy=self._processors.busy,
        )


def _requests(reading: Reading) -> int:
    return max(0, reading.serving - reading.streams)


def _same(last: Last, balancer: Balancer | None) -> bool:
    """Whether the process that was read is the one that runs."""
    return bool(balancer and balancer.alive and balancer.process and balancer.process.pid == last.pid)


def _all_read(fresh: Mapping[str, Last], balancers: Iterable[Balancer]) -> bool:
    return all(balancer.name in fresh for balancer in balancers if balancer.alive and balancer.answering)
