"""Whatever fails, and wherever the control plane stops: nobody loses their server, and the site comes to rest."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.model import Site
from tests.decide import faults
from tests.decide.faults import FAULTS, come_to_rest, run
from tests.decide.invariants import Guard
from tests.decide.machine import NEVER
from tests.decide.world import Crashed, World


def settled(servers: int = 2, seed: int = 0) -> World:
    world = World(Site(servers, edge="edge"), seed, Guard())
    come_to_rest(world)
    return world


def test_a_site_comes_up_in_seconds() -> None:
    world = World(Site(8, edge="edge"), 1, Guard())
    assert come_to_rest(world) < 20.0
    assert [*world.servers] == [f"s{n}" for n in range(1, 9)]


MISHAPS = st.lists(st.tuples(st.sampled_from(FAULTS), st.integers(0, 5), st.integers(0, 30)), max_size=12)


# The same examples every time: a checked change is not to fail by another's luck. Many more of them pass.
@settings(max_examples=70, deadline=None, derandomize=True)
@given(servers=st.integers(1, 4), seed=st.integers(0, 10**6), mishaps=MISHAPS)
def test_whatever_happens_the_site_comes_to_rest(servers: int, seed: int, mishaps: list[tuple]) -> None:
    world = World(Site(servers, edge="edge"), seed, Guard())
    run(world, 10)
    for fault, number, ticks in mishaps:
        fault(world, number)
        run(world, ticks)
    come_to_rest(world)


def many_at_once(world: World) -> None:
    faults.server_dies(world, 0)
    faults.server_hangs(world, 1)
    faults.balancer_hangs(world, 1)


def drain_all(world: World) -> None:
    for number in range(len(world.servers)):
        faults.server_is_drained(world, number)


def only_one(world: World) -> None:
    faults.servers_are_set(world, 0)
    come_to_rest(world)


def drain_the_only_one(world: World) -> None:
    only_one(world)
    drain_all(world)


def hung_one_and_strategy(world: World) -> None:
    only_one(world)
    faults.server_hangs(world, 1)
    world.pass_time(0.6)
    world.tick()
    faults.strategy_is_set(world, 1)


def configuration_and_strategy(world: World) -> None:
    faults.configuration_changes(world, 1)
    faults.strategy_is_set(world, 1)


UNDERTAKINGS: dict[str, Callable[[World], None]] = {
    "the first start": lambda world: None,
    "more servers": lambda world: faults.servers_are_set(world, 2),
    "fewer servers": lambda world: faults.servers_are_set(world, 0),
    "another strategy": lambda world: faults.strategy_is_set(world, 1),
    "another configuration": lambda world: faults.configuration_changes(world, 1),
    "another configuration and strategy": configuration_and_strategy,
    "every server replaced": lambda world: faults.all_are_restarted(world, 0),
    "a server drained": lambda world: faults.server_is_drained(world, 0),
    "every server drained": drain_all,
    "the only server drained": drain_the_only_one,
    "another strategy while the only server hangs": hung_one_and_strategy,
    "the active balancer dead": lambda world: faults.balancer_dies(world, 1),
    "a server and the active balancer gone": many_at_once,
}


@pytest.mark.parametrize("what", UNDERTAKINGS)
@pytest.mark.parametrize("pause", [0.0, 15.0])
def test_the_control_plane_may_stop_after_any_action(what: str, pause: float) -> None:
    assert stop_after_each_action(what, lambda world: wait_and_restart(world, pause)) > 1


@pytest.mark.parametrize("what", UNDERTAKINGS)
def test_any_plan_may_be_left_half_done(what: str) -> None:
    assert stop_after_each_action(what, lambda world: None) > 1


def wait_and_restart(world: World, pause: float) -> None:
    world.pass_time(pause)
    world.restart_control()
    world.tick()


def stop_after_each_action(what: str, then: Callable[[World], None]) -> int:
    """Repeat an undertaking, its plans left one action later each time, until it gets through. Returns its actions."""
    actions = 0
    while True:
        world = World(Site(2, edge="edge"), 3, Guard()) if what == "the first start" else settled()
        UNDERTAKINGS[what](world)
        world.crash_after = world.done + actions + 1
        if not stops(world):
            return actions
        actions += 1
        world.crash_after = NEVER
        then(world)
        come_to_rest(world)


def stops(world: World) -> bool:
    """Whether the world stops in the middle of a plan before it has come to rest."""
    try:
        come_to_rest(world, crash_after=world.crash_after)
    except Crashed:
        return True
    return False
