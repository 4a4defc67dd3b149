"""Whatever fails, and wherever the control plane stops: nobody loses their server, and the site comes to rest."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.model import Site
from tests.decide import faults
from tests.decide.faults import FAULTS, come_to_rest, run
from tests.decide.invariants import Guard
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


@settings(max_examples=150, deadline=None)
@given(servers=st.integers(1, 9), seed=st.integers(0, 10**6), mishaps=MISHAPS)
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
    "the active balancer dead": lambda world: faults.balancer_dies(world, 1),
    "a server and the active balancer gone": many_at_once,
}


@pytest.mark.parametrize("what", UNDERTAKINGS)
@pytest.mark.parametrize("pause", [0.0, 1.0, 15.0])
def test_the_control_plane_may_stop_after_any_action(what: str, pause: float) -> None:
    """Each undertaking is repeated with the control plane stopping one action later, until it gets through."""
    actions = 0
    while True:
        world = World(Site(2, edge="edge"), 3, Guard()) if what == "the first start" else settled()
        world.crash_after = world.done + actions + 1
        UNDERTAKINGS[what](world)
        if not crashes(world):
            break
        actions += 1
        world.pass_time(pause)
        world.restart_control()
        come_to_rest(world)
    assert actions > 1, "this undertaking does nothing"


def crashes(world: World) -> bool:
    """Whether the control plane stops before the world has come to rest."""
    after = world.crash_after
    try:
        for _ in range(100):
            world.pass_time(0.1)
            world.tick()
    except Crashed:
        return True
    return world.done >= after
