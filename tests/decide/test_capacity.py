"""Whether more servers help: the arithmetic, and the processors."""

import math
from dataclasses import replace

import pytest

from seawall.decide.capacity import FULL, LIFTED, MEASURED, growth, helps_not, judge
from seawall.model import Capacity, Demand, Load, Rate, Sample, Site
from tests.decide.values import NOW

SITE = Site(1, 20, cores=2.0)


def rate(servers: int, finished: int, seconds: float = 5.0) -> Rate:
    return Rate(servers, finished, seconds, NOW)


def test_growth_by_hand() -> None:
    assert growth(rate(2, 400), rate(4, 800))[0] == pytest.approx(1.0)
    assert growth(rate(2, 400), rate(4, 400)) == pytest.approx((0.0, math.sqrt(2 / 400) / math.log(2)))


@pytest.mark.parametrize(
    ("few", "many", "found"),
    [
        (rate(2, 800), rate(4, 820), True),
        (rate(2, 800), rate(4, 1600), False),
        (rate(2, 8), rate(3, 8), False),  # too few to be sure
        (rate(2, 800), rate(4, 1150), False),  # g = 0.52
    ],
)
def test_when_it_is_certain(few: Rate, many: Rate, found: bool) -> None:
    assert helps_not(few, many) is found


def used(seconds: float, busy: float = 0.0) -> Demand:
    """Servers that have used so many processor seconds in the last one, and the machine altogether."""
    return Demand((Sample(NOW - 1, 0, 0, 0.0), Sample(NOW, 40, 40, 4.0, seconds, busy)), 0.1)


@pytest.mark.parametrize(
    ("demand", "full"),
    [
        (used(2 * FULL + 0.01), True),
        (used(1.0, busy=1.0), True),  # the database uses the rest
        (used(0.2, busy=1.0), False),  # others do: the servers only wait
        (used(1.0, busy=0.6), False),
    ],
)
def test_full_processors_are_not_shared_among_more(demand: Demand, full: bool) -> None:
    capacity, events = judge(SITE, Load(NOW, queued=9), demand, 2, 3, 8)
    assert capacity.most == (3 if full else 0)
    assert [event.kind for event in events] == ["no-more"] * full
    if full:
        again, events = judge(SITE, Load(NOW, queued=9), replace(demand, capacity=capacity), 2, 3, 8)
        assert (again.most, events) == (3, ())


def test_a_machine_with_idle_processors_gets_more_servers() -> None:
    assert judge(SITE, Load(NOW, queued=9), used(1.0, busy=1.0), 1, 1, 8)[0].most == 0


@pytest.mark.parametrize(("ago", "told"), [(2 * SITE.hold, 0), (LIFTED * SITE.hold + 1, 1)])
def test_it_is_told_again_that_they_are_full_after_a_long_time(ago: float, told: int) -> None:
    known = Capacity(most=3, until=NOW + 1, told_at=NOW - ago)
    _, events = judge(SITE, Load(NOW, queued=9), replace(used(2.0), capacity=known), 2, 3, 8)
    assert len(events) == told


QUEUE = Load(NOW, finished=500, queued=9)
# Four servers finish 50/s, as two did before.
SLOWER = Capacity(4, NOW - 20, 0, NOW - 10, finished=0, rates=(rate(2, 500, 10.0),))


@pytest.mark.parametrize(("sure_until", "kinds"), [(0.0, ["trial"]), (NOW + 1, [])])
def test_there_is_no_trial_soon_after_the_last(sure_until: float, kinds: list[str]) -> None:
    demand = replace(used(0.1), capacity=replace(SLOWER, sure_until=sure_until))
    _, events = judge(SITE, QUEUE, demand, 4, 4, 8)
    assert [event.kind for event in events] == kinds


@pytest.mark.parametrize(("quiet", "kept"), [(MEASURED - 0.1, 1), (MEASURED, 0)])
def test_what_they_did_before_a_quiet_time_says_nothing(quiet: float, kept: int) -> None:
    known = replace(SLOWER, quiet_since=NOW - quiet)
    capacity, _ = judge(SITE, Load(NOW), replace(used(0.1), capacity=known), 4, 4, 3)
    assert len(capacity.rates) == kept


def test_a_limit_is_forgotten_with_the_load() -> None:
    known = Capacity(most=3, until=NOW + 500, quiet_since=NOW - 61, why="x")
    capacity, _ = judge(SITE, Load(NOW), replace(used(0.1), capacity=known), 3, 3, 2)
    assert (capacity.most, capacity.why) == (0, "")


def test_what_many_servers_finish_is_not_put_down_to_few() -> None:
    """One by one they come while a crowd waits, each finishing as much as the others."""
    demand, servers, finished = used(0.1), 2, 0.0
    for tick in range(300):
        servers = min(12, 2 + max(0, tick - 30) // 4) if tick < 75 else 12
        finished += servers * 0.2
        load = Load(NOW + tick / 10, finished=int(finished), queued=100)
        capacity, events = judge(SITE, load, demand, servers, servers, 20)
        assert events == (), tick
        demand = replace(demand, capacity=capacity)
    assert capacity.rates, "there was something to compare"
