"""The number of servers in a simulated world with random loads, deaths and missing data: what must always hold."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.decide import count, erlang
from seawall.model import Event, Site
from tests.decide import faults
from tests.decide.invariants import Guard
from tests.decide.people import People
from tests.decide.world import World

HOLD = 6.0
TICK = 0.1


@dataclass
class Story:
    """A site under load, and what was told of it."""

    world: World
    told: list[tuple[float, Event]] = field(default_factory=list)

    @property
    def people(self) -> People:
        assert self.world.people
        return self.world.people

    @property
    def wanted(self) -> int:
        return count.wanted(self.world.site, self.world.memory)

    def go_on(self, seconds: float, until: Callable[[], object] = lambda: False) -> float:
        """Let time pass, and look after each tick whether all is as it must be. Returns the seconds it took."""
        began = self.world.now
        while self.world.now - began < seconds and not until():
            self._tick()
        return self.world.now - began

    def _tick(self) -> None:
        world, before = self.world, self.wanted
        world.pass_time(TICK)
        events = world.tick().events
        self.told += [(world.now, event) for event in events if event.kind != "crash-loop"]
        after, most = self.wanted, world.memory.demand.capacity.most
        assert world.site.min <= after <= world.site.max
        assert not self.people.silent or after == before, "changed without data"
        assert not most or after <= max(most, world.site.min), "added where more do not help"
        kinds = {event.kind for event in events}
        assert ("scale-up" in kinds) == (after > before) or "trial-over" in kinds or not before
        if after == before - 1 and "scale-down" in kinds:
            ups = [at for at, event in self.told if event.kind == "scale-up"]
            assert not ups or world.now - ups[-1] >= HOLD - TICK, "went up and down within one window"

    def kinds(self) -> list[str]:
        return [event.kind for _, event in self.told]


def story(low: int = 1, high: int = 12, seed: int = 0, **people: float) -> Story:
    world = World(Site(low, high, hold=HOLD, edge="edge"), seed, Guard())
    world.people = People(seed, **people)
    told = Story(world)
    told.go_on(20, lambda: len([s for s in world.servers.values() if s.ready]) >= low)
    return told


def needed(rate: float, service: float) -> int:
    return erlang.servers(rate * service, 4, service)


@pytest.mark.parametrize(("rate", "service"), [(20.0, 0.1), (100.0, 0.1), (60.0, 0.3), (300.0, 0.02)])
def test_under_a_steady_load_it_comes_to_the_number_of_the_formula(rate: float, service: float) -> None:
    there = story(rate=rate, service=service)
    there.go_on(200)
    assert needed(rate * 0.9, service) <= there.wanted <= needed(rate * 1.2, service) + 1
    assert len(there.kinds()) <= 16, "it does not come to rest"


def test_a_surge_is_met_at_once_and_forgotten_slowly() -> None:
    there = story(low=2, rate=5.0)
    there.go_on(25)
    assert there.wanted == 2
    there.people.rate = 250.0
    assert there.go_on(10, lambda: there.wanted >= 7) < 1.5
    there.go_on(10)
    peak = there.wanted
    there.people.rate = 0.0
    # What was more than needed goes first; what was needed stays for the hold.
    assert there.go_on(60, lambda: there.wanted < needed(225.0, 0.1)) > HOLD
    assert there.go_on(400, lambda: there.wanted == 2) > (peak - 3) * HOLD * count.STEP
    downs = [event for _, event in there.told if event.kind == "scale-down"]
    assert len(downs) >= peak - 2
    assert all("needed in the last" in event.text for event in downs)


@pytest.mark.parametrize(
    ("low", "service", "rate", "within"), [(1, 35.0, 1.0, 20), (2, 55.0, 1.0, 25), (1, 8.0, 2.0, 8)]
)
def test_pages_that_take_long_are_served_before_many_were_finished(
    low: int, service: float, rate: float, within: int
) -> None:
    there = story(low, 20, rate=rate, service=service)
    assert there.go_on(within, lambda: there.wanted > low) < within
    there.go_on(3 * service)
    assert there.people.queued == 0
    assert there.wanted * 4 >= rate * service


def test_out_of_sleep_slow_pages_are_served_at_once() -> None:
    world = World(Site(0, 10, idle=5.0, hold=HOLD, edge="edge"), 0, Guard())
    world.people = People(0)
    there = Story(world)
    there.go_on(30, lambda: any(server.ready for server in world.servers.values()))
    for _ in range(2):
        world.visitors = False
        there.go_on(300, lambda: world.memory.asleep_since is not None and not world.servers)
        assert not world.servers
        world.visitors, there.people.service, there.people.rate = True, 8.0, 2.0
        there.go_on(20, lambda: world.places() > 0)
        assert there.go_on(10, lambda: there.wanted >= 3) < 8
        there.go_on(30)
        there.people.rate = 0.0
        there.go_on(60)


def test_what_is_missed_when_it_has_gone_stays_longer_the_next_time() -> None:
    there = story(low=1)
    waits = []
    for _ in range(2):
        there.people.rate = 100.0
        there.go_on(15)
        there.people.rate = 0.0
        waits.append(there.go_on(400, lambda: there.wanted < needed(90.0, 0.1)))
        there.go_on(400, lambda: there.wanted == 1)
    assert waits[1] > 1.5 * waits[0]


def test_without_data_nothing_changes() -> None:
    there = story(rate=100.0)
    there.go_on(20)
    assert (before := there.wanted) > 2
    there.people.silent, there.people.rate = True, 0.0
    there.go_on(5 * HOLD)
    assert there.wanted == before
    assert "does not tell" in there.world.memory.demand.why


def test_after_a_restart_of_the_control_plane_the_number_stays_for_a_while() -> None:
    there = story(rate=100.0)
    there.go_on(20)
    before = there.wanted
    there.people.rate = 0.0
    there.world.restart_control()
    assert there.wanted == before
    assert there.go_on(60, lambda: there.wanted < before) >= HOLD - 1


def test_a_deployment_changes_no_number() -> None:
    there = story(rate=20.0)
    there.go_on(10)
    before = there.wanted
    faults.all_are_restarted(there.world, 0)
    there.people.rate = 150.0
    old = {server.name for server in there.world.servers.values()}

    def replaced() -> bool:
        seen = there.world.observe()
        return any(s.generation for s in seen.servers) and any(s.name in old and s.alive for s in seen.servers)

    there.go_on(20, lambda: any(server.generation for server in there.world.servers.values()))
    number = there.wanted
    there.go_on(20, lambda: not replaced() or there.wanted != number)
    assert there.wanted == number >= before
    assert there.go_on(60, lambda: there.wanted >= 4) < 60


def test_where_more_servers_do_not_help_it_says_so_and_adds_none() -> None:
    there = story(low=2, rate=5.0, most=40.0)
    there.go_on(10)
    there.people.rate = 60.0
    there.go_on(90, lambda: "no-more" in there.kinds())
    assert there.kinds().count("trial") == 1
    [text] = [event.text for _, event in there.told if event.kind == "no-more"]
    assert text.startswith("more servers do not help: ")
    before = there.wanted
    there.go_on(20)
    assert there.wanted <= before


def test_where_they_do_help_none_are_taken_out() -> None:
    there = story(low=2, high=20, rate=5.0)
    there.go_on(10)
    for rate in (100.0, 200.0, 400.0, 800.0):
        there.people.rate = rate
        there.go_on(12)
    assert "trial" not in there.kinds()


STEPS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 2.0, 40.0, 150.0]),
        st.sampled_from([0.02, 0.1, 0.4]),
        st.sampled_from(["", "", "silent", "death", "restart", "limit"]),
        st.integers(2, 60),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(low=st.integers(1, 3), more=st.integers(0, 9), seed=st.integers(0, 10**6), steps=STEPS)
def test_whatever_comes_it_stays_within_bounds_and_does_not_flap(low: int, more: int, seed: int, steps: list) -> None:
    there = story(low, low + more, seed)
    for rate, service, mishap, ticks in steps:
        there.people.rate, there.people.service = rate, service
        there.people.silent = mishap == "silent"
        there.people.most = 30.0 if mishap == "limit" else math.inf
        if mishap == "death":
            faults.server_dies(there.world, seed)
        if mishap == "restart":
            there.world.restart_control()
        there.go_on(ticks * TICK * 3)
    there.people.silent, there.people.rate = False, 0.0
    there.go_on(3000, lambda: there.wanted == low)
    assert there.wanted == low, "it does not come down"
