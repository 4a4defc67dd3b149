"""The decisions together: their order, and that any of them can be made again from the journal."""

import sys
from pathlib import Path

import pytest

from seawall.control.journal import Entry, Journal, read, replay
from seawall.decide.plan import plan
from seawall.model import Action, BalancerSeen, Memory, Observed, Plan, Site
from tests.decide import faults
from tests.decide.people import People
from tests.decide.values import NOW, OPEN, SITE, balancer, observed, route, server, told
from tests.decide.world import World


def test_the_most_urgent_comes_first() -> None:
    dead = server("s1", alive=False)
    seen = observed(dead, server("s2"), a=balancer("a", alive=False, routes=None), b=balancer("b", route("s1")))
    assert told(plan(SITE, seen, OPEN, NOW)) == [
        "TakeOver b",
        "StartBalancer a",
        "ForgetServer s1",
        "StartServer s10",
        "Route b least-connections s2 add",
        "Route b least-connections s2 enable",
        "Route b least-connections s1 maint",
        "Route b least-connections s1 remove",
    ]


def test_each_decision_sees_what_the_one_before_remembers() -> None:
    """s2 is surplus from this moment on, and drained in the same breath."""
    seen = observed(server("s1"), server("s2"))
    result = plan(Site(1, edge="new"), seen, OPEN, NOW)
    assert (told(result), result.memory.leaving) == (
        ["Route a least-connections s2 drain", "Route b least-connections s2 drain"],
        {"s2": NOW},
    )


def test_events_are_collected() -> None:
    seen = observed(server("s1", 1.0, ready=False, alive=False))
    memory = Memory(next_server=5, opened=True, deaths=5)
    assert [event.kind for event in plan(SITE, seen, memory, NOW).events] == ["crash-loop"]


def test_nothing_seen_at_all_means_start() -> None:
    nothing = Observed((), (BalancerSeen("a"), BalancerSeen("b")), warms=None)
    assert told(plan(SITE, nothing, Memory(), NOW)) == ["StartServer s1", "StartServer s2"]


def test_work_grows_with_the_number_of_servers_not_with_its_square() -> None:
    """Counted in calls, not in seconds, which depend on the machine."""
    few, many = calls(2), calls(200)
    assert many < 150 * few


def calls(servers: int) -> int:
    """Function calls of one decision in which everything is to be routed."""
    seen = observed(*(server(f"s{n}") for n in range(servers)), a=balancer("a"), b=balancer("b"))
    count = 0

    def counted(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event == "call"

    sys.setprofile(counted)
    try:
        plan(Site(servers, edge="new"), seen, OPEN, NOW)
    finally:
        sys.setprofile(None)
    return count


# Replay


def eventful(decided: object) -> World:
    """A site to which much happens; `decided` is told every decision."""
    world = World(Site(3, edge="edge"), seed=13)
    for number, fault in enumerate((lambda *_: None, *faults.FAULTS)):
        fault(world, number)
        for _ in range(60):
            world.pass_time(0.2)
            inputs = world.site, world.observe(), world.memory, world.now
            try:
                result = world.tick()
            except faults.Crashed:
                world.crash_after = faults.NEVER
                world.restart_control()
                continue
            if result.actions or result.events:
                decided(*inputs, result)  # type: ignore[operator]
    return world


def test_every_decision_can_be_made_again_from_the_journal(tmp_path: Path) -> None:
    journal, plans = Journal(tmp_path / "journal.jsonl", lambda entry: None), []

    def decided(site: Site, seen: Observed, memory: Memory, now: float, result: Plan) -> None:
        journal.decision(site, seen, memory, now, result)
        plans.append(result)

    eventful(decided)
    kinds = {type(action) for result in plans for action in result.actions}
    every = {kind for group in Action.__subclasses__() for kind in group.__subclasses__()}
    assert kinds == every, "something of interest did not happen"
    assert all(action.reason for result in plans for action in result.actions)
    assert [replay(line) for line in read(tmp_path / "journal.jsonl")] == plans


def test_decisions_on_the_load_too(tmp_path: Path) -> None:
    journal, plans = Journal(tmp_path / "journal.jsonl", lambda entry: None), []
    world = World(Site(1, 9, hold=4.0, edge="edge"), seed=7)
    world.people = People(7)
    for rate in (0.0, 90.0, 0.0):
        world.people.rate = rate
        for _ in range(300):
            world.pass_time(0.1)
            inputs = world.site, world.observe(), world.memory, world.now
            result = world.tick()
            if result.actions or result.events:
                plans.append(result)
                journal.decision(*inputs, result)
    kinds = {event.kind for plan in plans for event in plan.events}
    assert {"scale-up", "scale-down"} <= kinds
    assert [replay(line) for line in read(tmp_path / "journal.jsonl")] == plans


def test_a_line_without_a_decision_cannot_be_replayed() -> None:
    line: Entry = {"time": 0.0, "events": []}
    with pytest.raises(KeyError, match="inputs"):
        replay(line)
