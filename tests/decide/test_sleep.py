"""When a site falls asleep, what wakes it, and what becomes of those who come while no server starts."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.decide.sleep import IDLE, IDLE_COLD, asleep, decide
from seawall.decide.takeover import decide as balancers
from seawall.decide.turning_away import decide as turn_away
from seawall.model import BalancerSeen, Memory, Observed, Plan, Site
from tests.decide import faults
from tests.decide.faults import come_to_rest, run
from tests.decide.invariants import Guard
from tests.decide.values import NOW, OPEN, balancer, observed, route, server, told
from tests.decide.world import World

SITE = Site(min=0, edge="new")
COUNTED = {"a least-connections": 7, "b least-connections": 0}
QUIET = replace(OPEN, idle_since=NOW - IDLE, requests=COUNTED)
ASLEEP = replace(OPEN, asleep_since=NOW - 500, idle_since=NOW - 560, requests=COUNTED)


def seen(requests: int | None = 7, current: int = 0, up: bool = True, **more: object) -> Observed:
    routes = None if requests is None else (route("s1"),) * up
    a = replace(balancer("a", requests=requests, current=current), routes=routes)
    spare = balancer("b", *(routes or ()), requests=0)
    return observed(*[server("s1")] * up, a=a, b=spare, **more)


def kinds(plan: Plan) -> list[str]:
    return [event.kind for event in plan.events]


def test_it_sleeps_when_nobody_has_come_for_as_long_as_servers_idle() -> None:
    plan = decide(SITE, seen(), QUIET, NOW)
    assert plan.memory.asleep_since == NOW
    assert asleep(SITE, plan.memory)
    assert [event.text for event in plan.events] == ["nobody has come for 60 s; the next request starts a server"]
    assert decide(SITE, seen(), QUIET, NOW - 0.1).memory.asleep_since is None
    assert decide(replace(SITE, idle=100), seen(), QUIET, NOW).memory.asleep_since is None


def test_it_sleeps_later_where_each_start_is_cold() -> None:
    assert decide(SITE, seen(warms=None), QUIET, NOW).memory.asleep_since is None
    long = replace(QUIET, idle_since=NOW - IDLE_COLD)
    assert decide(SITE, seen(warms=None), long, NOW).memory.asleep_since == NOW


AWAKE = {
    "somebody is being served, or listens to a stream": seen(current=1),
    "somebody has come and gone": seen(requests=8),
    "somebody has just begun to wait": seen(knocked=True),
}


@pytest.mark.parametrize("what", AWAKE)
def test_it_stays_awake_while(what: str) -> None:
    plan = decide(SITE, AWAKE[what], QUIET, NOW)
    assert (plan.memory.asleep_since, plan.memory.idle_since) == (None, NOW)


HELD = {
    "the active balancer does not say": seen(requests=None),
    "the spare does not say": replace(seen(), balancers=(seen().balancers[0], balancer("b", routes=None))),
    "no server has ever been up": seen(up=False),
    "no balancer is there": replace(seen(), balancers=(BalancerSeen("a"), BalancerSeen("b"))),
}


@pytest.mark.parametrize("what", HELD)
def test_it_does_not_sleep_while(what: str) -> None:
    assert decide(SITE, HELD[what], QUIET, NOW).memory.asleep_since is None


def test_nobody_is_known_to_be_there_after_a_restart_so_the_time_begins_anew() -> None:
    plan = decide(SITE, seen(), OPEN, NOW)
    assert (plan.memory.idle_since, plan.memory.asleep_since) == (NOW, None)
    # A balancer that starts anew counts from 0, which is nobody.
    assert decide(SITE, seen(requests=0), QUIET, NOW).memory.asleep_since == NOW


@pytest.mark.parametrize("there", [seen(current=1, up=False), seen(requests=8, up=False), seen(up=False, knocked=True)])
def test_it_wakes_when_somebody_comes(there: Observed) -> None:
    plan = decide(SITE, there, ASLEEP, NOW)
    assert not asleep(SITE, plan.memory)
    later = decide(SITE, seen(requests=9, current=1), plan.memory, NOW + 0.04)
    assert [(event.kind, event.text) for event in later.events] == [
        ("wake", "a server took the first request 40 ms after it had come")
    ]
    assert later.memory.waking_since is None


@pytest.mark.parametrize("nobody", [seen(up=False), seen(requests=None, up=False), seen(requests=0, up=False)])
def test_it_sleeps_on_while_nobody_comes_or_nothing_is_known(nobody: Observed) -> None:
    assert decide(SITE, nobody, ASLEEP, NOW).memory.asleep_since == ASLEEP.asleep_since
    afterwards = replace(ASLEEP, requests={}, idle_since=None)  # a new control plane
    assert decide(SITE, nobody, afterwards, NOW).memory.asleep_since == ASLEEP.asleep_since


def test_another_strategy_counts_anew_and_wakes_nobody() -> None:
    memory = replace(ASLEEP, requests={"a random": 3, **COUNTED})
    for strategy, requests in (("round-robin", 0), ("random", 3), ("least-connections", 7)):
        there = seen(up=False)
        a = replace(there.balancers[0], strategy=strategy, requests=requests)
        memory = decide(SITE, replace(there, balancers=(a, there.balancers[1])), memory, NOW).memory
        assert asleep(SITE, memory), strategy
    assert not asleep(SITE, decide(SITE, seen(requests=8, up=False), memory, NOW).memory)


def test_a_site_that_must_have_servers_does_not_sleep() -> None:
    plan = decide(replace(SITE, min=1), seen(up=False), ASLEEP, NOW)
    assert (kinds(plan), plan.memory.asleep_since, plan.memory.idle_since) == (["wake"], None, None)
    assert decide(replace(SITE, min=1), seen(), OPEN, NOW) == Plan((), OPEN)


# When no server starts

FAILING = replace(OPEN, deaths=3, retry_at=NOW + 0.5)


def test_it_sleeps_again_when_no_server_starts_and_nobody_waits_any_more() -> None:
    failing = replace(FAILING, idle_since=NOW, waking_since=NOW, requests=COUNTED)
    assert decide(SITE, seen(current=1, up=False), failing, NOW).memory.asleep_since is None
    plan = decide(SITE, seen(up=False), failing, NOW)
    assert (plan.memory.asleep_since, kinds(plan)) == (NOW, ["sleep"])


def test_who_waits_is_turned_away_until_the_next_try() -> None:
    def turned(memory: Memory, *servers: str, **balancers: object) -> list[str]:
        there = observed(*(server(name) for name in servers), **balancers)  # type: ignore[arg-type]
        return [f"{action.balancer} {action.on}" for action in turn_away(SITE, there, memory, NOW).actions]

    assert turned(FAILING) == ["a True", "b True"]
    assert turned(FAILING, "s1") == []
    assert turned(replace(FAILING, leaving={"s1": NOW}), "s1") == ["a True", "b True"]
    assert turned(replace(FAILING, deaths=2)) == [], "it is tried again at once"
    assert turned(replace(FAILING, retry_at=NOW), a=balancer("a", turns_away=True)) == ["a False"]
    assert turned(FAILING, a=balancer("a", routes=None, turns_away=False)) == ["b True"]
    assert turned(FAILING, a=balancer("a", edge="old")) == ["b True"]
    no_warm = replace(OPEN, warm_deaths=3, warm_retry_at=NOW + 1)
    assert turned(no_warm, warms=()) == ["a True", "b True"]
    assert turned(no_warm) == []
    assert turned(replace(no_warm, warm_deaths=0), warms=()) == [], "it has just been started for the first time"


# In the simulated world


def slept(seed: int = 0) -> World:
    world = World(Site(0, 4, idle=3.0, edge="edge"), seed, Guard())
    come_to_rest(world)
    world.visitors = False
    come_to_rest(world)
    assert not [s for s in world.servers.values() if s.alive]
    return world


MISHAPS = st.lists(st.tuples(st.sampled_from(faults.FAULTS), st.integers(0, 5), st.integers(0, 30)), max_size=6)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6), mishaps=MISHAPS)
def test_whatever_happens_it_wakes_for_who_comes_and_sleeps_again(seed: int, mishaps: list[tuple]) -> None:
    world = slept(seed)
    for fault, number, ticks in mishaps:
        fault(world, number)
        run(world, ticks)
    world.site = replace(world.site, min=0, idle=3.0)
    world.visitors = True
    come_to_rest(world)
    world.visitors = False
    come_to_rest(world)
    assert world.memory.asleep_since is not None


def test_another_configuration_reaches_the_balancers_while_it_sleeps() -> None:
    world = slept()
    faults.configuration_changes(world, 1)
    come_to_rest(world)
    assert {balancer.edge for balancer in world.balancers.values()} == {"edge 1"}
    assert world.memory.asleep_since is not None


def test_balancers_in_which_somebody_waits_are_not_exchanged() -> None:
    waiting = balancer("a", requests=1, current=1, edge="old")
    assert told(balancers(SITE, observed(a=waiting, b=balancer("b")), ASLEEP, NOW)) == []
    assert told(balancers(SITE, observed(a=balancer("a", edge="old"), b=balancer("b")), ASLEEP, NOW)) == ["TakeOver b"]
    spare = balancer("b", requests=1, current=1, edge="old")
    assert told(balancers(SITE, observed(a=balancer("a"), b=spare), ASLEEP, NOW)) == []
