"""The warm process: one is kept, the old one until the next has imported."""

from dataclasses import replace

import pytest

from seawall.decide.warm import SHORTEST, decide, usable
from seawall.model import Memory, Plan, WarmSeen
from tests.decide.values import NOW, OPEN, SITE, WARM, observed, server, told


def decided(*warms: WarmSeen, memory: Memory = OPEN, generation: int = 0) -> Plan:
    seen = observed(server("s1"), warms=warms)
    return decide(replace(SITE, generation=generation), seen, memory, NOW)


def warm(name: str, **seen: object) -> WarmSeen:
    return WarmSeen(name, **{"started": NOW - 100, "ready": True, **seen})  # type: ignore[arg-type]


def test_one_that_is_well_is_left_alone() -> None:
    assert decided(WARM) == Plan((), OPEN)
    assert decided(replace(WARM, ready=False)) == Plan((), OPEN)


def test_an_application_that_is_started_cold_has_none() -> None:
    assert decide(SITE, observed(server("s1"), warms=None), OPEN, NOW) == Plan((), OPEN)


def test_one_is_started_once() -> None:
    plan = decided(memory=Memory())
    assert told(plan) == ["StartWarm w1"]
    assert plan.actions[0].reason == "servers are forked from a warm process, and there is none"
    assert (plan.memory.next_warm, plan.memory.warm_retry_at) == (2, NOW + SHORTEST)
    # The attempt may have failed before there was a process.
    assert decided(memory=plan.memory).actions == ()
    assert told(decided(memory=replace(plan.memory, warm_retry_at=NOW))) == ["StartWarm w2"]


@pytest.mark.parametrize(
    ("age", "ready", "deaths", "wait"), [(20.0, True, 0, 0.0), (1.0, True, 4, 1.0), (20.0, False, 4, 1.0)]
)
def test_one_that_dies_is_started_again_if_young_or_never_ready_with_growing_pauses(
    age: float, ready: bool, deaths: int, wait: float
) -> None:
    dead = warm("w1", started=NOW - age, ready=ready, alive=False)
    plan = decided(dead, memory=replace(OPEN, warm_deaths=3))
    assert told(plan)[0] == "ForgetWarm w1"
    assert ("StartWarm w1" in told(plan)) == (wait == 0.0)
    assert plan.memory.warm_deaths == deaths
    assert plan.memory.warm_retry_at == NOW + (wait or SHORTEST)


def test_one_that_hangs_is_killed_and_another_started() -> None:
    plan = decided(replace(WARM, hung="is stopped"))
    assert told(plan) == ["KillWarm w1", "StartWarm w1"]
    assert plan.actions[0].reason == "the warm process w1 is stopped"


def test_other_code_is_imported_beside_the_present_one() -> None:
    assert told(decided(warm("w1"), generation=1)) == ["StartWarm w1"]
    assert decided(warm("w1"), warm("w2", generation=1, ready=False), generation=1).actions == ()
    done = decided(warm("w1"), warm("w2", generation=1), generation=1)
    assert told(done) == ["KillWarm w1"]
    assert done.actions[0].reason == "the warm process w1 is replaced by w2"


def test_code_that_cannot_be_imported_leaves_the_present_one_alone() -> None:
    dead = warm("w2", generation=1, ready=False, alive=False, started=NOW - 1)
    plan = decided(warm("w1"), dead, generation=1)
    assert told(plan) == ["ForgetWarm w2", "StartWarm w1"]


def test_servers_come_from_the_newest_code_that_is_ready() -> None:
    def chosen(*warms: WarmSeen) -> str:
        found = usable(observed(warms=warms))
        return found.name if found else ""

    assert chosen() == ""
    assert chosen(warm("w1"), warm("w2", generation=1, ready=False)) == "w1"
    assert chosen(warm("w1"), warm("w2", generation=1)) == "w2"
    assert chosen(warm("w1"), warm("w2", generation=1, hung="is stopped")) == "w1"
    assert chosen(warm("w1", alive=False)) == ""
