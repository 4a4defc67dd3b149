"""The load, added up over the lives of balancers."""

import asyncio
from typing import Any

import pytest

from seawall.control.processes import Balancer
from seawall.control.processors import ProcessorTime
from seawall.control.tally import OLD, Tally
from seawall.haproxy.statistics import Reading
from seawall.model import Load, Strategy
from tests.control.parts import SLEEP, Parts, until

LEAST: Strategy = "least-connections"


class Told:
    """A tally that is told what two balancers say."""

    def __init__(self, parts: Parts) -> None:
        self.tally, self.parts = Tally(), parts
        for name in ("a", "b"):
            parts.state.processes.add(Balancer(name, process=parts.child("balancer", name), answering=True))

    def read(self, name: str, at: float, arrived: int, queued: int = 0, streams: int = 0, **servers: Any) -> None:
        process = self.parts.state.processes.balancers[name].process
        assert process
        self.tally.heard(name, process.pid, LEAST, Reading(arrived, queued, streams, servers), at)

    def load(self, now: float, active: str = "a") -> Load | None:
        return self.tally.load(active, self.parts.state.processes.balancers, {}, now)


@pytest.fixture
def told(parts: Parts) -> Told:
    return Told(parts)


def test_the_first_reading_says_only_where_the_counts_began(told: Told) -> None:
    told.read("a", 10.0, 1000, s1=(990, 2))
    load = told.load(10.1)
    assert load
    assert (load.at, load.arrived, load.finished, load.work, load.serving) == (10.0, 0, 0, 0.0, 2)


def test_what_comes_is_added_up_over_both(told: Told) -> None:
    for at, arrived, current in ((10.0, 0, 0), (10.2, 8, 4), (10.4, 12, 2)):
        told.read("a", at, arrived, s1=(arrived, current))
        told.read("b", at, arrived, queued=1, s1=(arrived, current))
    load = told.load(10.5)
    assert load
    assert (load.arrived, load.finished, load.serving, load.queued, load.complete) == (24, 20, 4, 1, True)
    assert load.work == pytest.approx(2 * (0.2 * 2 + 0.2 * 3))


def test_streams_are_no_work(told: Told) -> None:
    for at in (10.0, 10.5):
        told.read("a", at, 5, streams=3, s1=(5, 4))
    load = told.load(10.5)
    assert load
    assert (load.serving, load.streams, load.work) == (1, 3, 0.5)


def test_servers_and_balancers_come_and_go(told: Told, parts: Parts) -> None:
    told.read("a", 10.0, 5, s1=(5, 0))
    told.read("a", 10.2, 9, s2=(4, 1))
    load = told.load(10.3)
    assert load
    assert (load.arrived, load.finished) == (4, 3)
    parts.state.processes.add(Balancer("a", process=parts.child("balancer", "a"), answering=True))
    assert told.load(10.3) is None, "it is another process"
    told.read("a", 10.4, 2, s2=(2, 0))
    told.read("a", 10.5, 3, s2=(3, 0))
    load = told.load(10.5)
    assert load
    assert (load.arrived, load.finished) == (5, 4)


def test_another_strategy_counts_anew(told: Told, parts: Parts) -> None:
    process = parts.state.processes.balancers["a"].process
    assert process
    told.read("a", 10.0, 500, s1=(500, 0))
    told.tally.heard("a", process.pid, "random", Reading(20, 0, 0, {"s1": (20, 0)}), 10.1)
    load = told.load(10.1)
    assert load
    assert load.arrived == 0


def test_who_takes_the_step_inside_does_not_make_the_load_shrink(told: Told) -> None:
    """He is counted when he comes back, and taken off when he began: a reading between the two has one too many."""
    for at, arrived in ((10.0, 5), (10.1, 6), (10.2, 5)):
        told.read("a", at, arrived)
    load = told.load(10.2)
    assert load
    assert load.arrived == 1


def test_what_is_old_is_unknown(told: Told) -> None:
    told.read("a", 10.0, 5)
    told.read("b", 10.9, 5)
    assert told.load(10.0 + OLD + 0.01) is None
    load = told.load(11.1, active="b")
    assert load
    assert not load.complete, "the other one may have requests"


def test_the_work_of_a_gap_is_not_invented(told: Told) -> None:
    told.read("a", 10.0, 5, s1=(5, 4))
    told.read("a", 20.0, 90, s1=(90, 4))
    load = told.load(20.0)
    assert load
    assert (load.arrived, load.work) == (85, 0.0)


def test_processor_time_is_that_of_the_servers(parts: Parts) -> None:
    parts.server("s1", code="while True: pass")
    parts.server("s2", code=SLEEP)
    time = ProcessorTime()
    now = iter(range(0, 100_000, 10))

    def used() -> bool:
        time.look(parts.state.processes.servers, idle=False, now=next(now))
        return time.used > 0.2

    async def main() -> None:
        await until(used)

    asyncio.run(main())
    assert time.busy > 0
    before = time.used
    time.look(parts.state.processes.servers, idle=False, now=0.0)
    assert time.used == before, "so soon it does not look"
