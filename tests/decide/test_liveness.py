"""Which servers are alive, hung, dead."""

from dataclasses import replace

import pytest

from seawall.decide.liveness import STORM, STORM_PAUSE, TERM_GRACE, decide
from seawall.model import Memory, Observed, Plan
from tests.decide.values import NOW, OPEN, SITE, balancer, observed, route, server, told


def decided(seen: Observed, memory: Memory = OPEN) -> Plan:
    return decide(SITE, seen, memory, NOW)


def failing(**seen: object) -> Observed:
    """s1 fails the heartbeats of the active balancer."""
    return observed(server("s1", **seen), server("s2"), a=balancer("a", route("s1", "down"), route("s2")))


def test_who_is_well_is_left_alone() -> None:
    assert decided(observed(server("s1"), server("s2"))) == Plan((), OPEN)


# Death


def test_a_dead_server_is_forgotten_with_everything_remembered_of_it() -> None:
    memory = replace(OPEN, leaving={"s1": 1.0, "s2": 2.0}, down={"s1": 1.0})
    plan = decided(observed(server("s1", alive=False, ending="killed by SIGSEGV"), server("s2")), memory)
    assert told(plan) == ["ForgetServer s1"]
    assert plan.actions[0].reason == "s1 died after 100.0 s: killed by SIGSEGV"
    assert plan.memory == replace(OPEN, leaving={"s2": 2.0}, died_at_work=(NOW,))


def test_a_server_that_was_asked_to_stop_has_not_died() -> None:
    memory = replace(OPEN, leaving={"s1": 990.0}, stopping={"s1": 999.0}, deaths=1)
    plan = decided(observed(server("s1", age=5.0, alive=False)), memory)
    assert plan.actions[0].reason == "s1 has stopped as asked"
    assert plan.memory == replace(OPEN, deaths=1)


@pytest.mark.parametrize("age", [0.1, 60.0])
def test_who_dies_before_it_was_ready_died_of_itself(age: float) -> None:
    plan = decided(observed(server("s1", age, ready=False, alive=False)), replace(OPEN, deaths=3))
    assert plan.memory.deaths == 4


def test_two_early_deaths_are_answered_at_once_the_third_waits_and_says_so() -> None:
    dead = observed(server("s1", 1.0, ready=False, alive=False, ending="exit code 3"))
    second = decided(dead, replace(OPEN, deaths=1))
    assert (second.memory.retry_at, second.events) == (NOW, ())
    third = decided(dead, replace(second.memory, last_death=NOW - 1.5))
    assert third.memory.retry_at == NOW + 0.5
    [event] = third.events
    assert (event.kind, event.subject) == ("crash-loop", "s1")
    assert event.text == ("servers keep dying (3 in a row, the last after 1.0 s: exit code 3); next try in 0.5 s")


def test_servers_that_die_together_are_one_attempt() -> None:
    together = [server(f"s{number}", 1.0, ready=False, alive=False) for number in range(1, 9)]
    plan = decided(observed(*together), replace(OPEN, deaths=1))
    assert (plan.memory.deaths, plan.memory.retry_at, plan.events) == (2, NOW, ())
    assert len(plan.actions) == 8


def test_early_deaths_are_not_forgiven_while_the_last_is_recent() -> None:
    """However well the others are: a replacement may be dying again and again."""
    memory = replace(OPEN, deaths=3, retry_at=NOW - 9.9)
    assert decided(observed(server("s1"), server("s2")), memory).memory.deaths == 3
    dead = decided(observed(server("s1"), server("s2"), server("s3", 0.1, ready=False, alive=False)), OPEN)
    assert dead.memory.deaths == 1


def test_early_deaths_are_forgiven_when_all_servers_are_ready_and_no_longer_young() -> None:
    memory = replace(OPEN, deaths=3, retry_at=NOW - 10.1)
    assert decided(observed(server("s1", 20), server("s2", 20)), memory).memory.deaths == 0
    memory = replace(memory, retry_at=NOW - 9.8)
    assert decided(observed(server("s1"), server("s2", 20)), memory).memory.deaths == 3
    assert decided(observed(server("s1"), server("s2", 9.9, ready=False)), memory).memory.deaths == 3
    assert decided(observed(server("s1"), server("s2", ready=False, age=20)), memory).memory.deaths == 3
    assert decided(observed(), memory).memory.deaths == 3


def test_a_server_that_becomes_ready_ends_the_row() -> None:
    """However soon it goes again, as where a site sleeps after a few seconds."""
    memory = decided(observed(server("s1", 1.0, ready=False, alive=False)), replace(OPEN, deaths=3)).memory
    for age, ready, deaths in ((-3.0, False, 4), (-3.0, True, 0), (5.0, True, 4)):
        assert decide(SITE, observed(server("s2", age, ready=ready)), memory, NOW + 4.0).memory.deaths == deaths


# Heartbeats


def test_since_when_a_server_fails_is_remembered_until_it_answers_again() -> None:
    plan = decided(failing())
    assert (told(plan), plan.memory.down) == ([], {"s1": NOW})
    assert decided(failing(), replace(OPEN, down={"s1": 995.0})).memory.down == {"s1": 995.0}
    assert decided(observed(server("s1"), server("s2")), replace(OPEN, down={"s1": 995.0})).memory.down == {}


def test_only_the_active_balancer_is_believed() -> None:
    seen = failing()
    assert decided(replace(seen, active="b")).memory.down == {}


def test_a_server_that_hangs_is_killed() -> None:
    plan = decided(failing(hung="is stopped"))
    assert told(plan) == ["KillServer s1"]
    assert plan.actions[0].reason == "s1 is stopped"


def test_a_failing_server_that_may_only_be_busy_is_left_alone_however_long() -> None:
    assert told(decided(failing(), replace(OPEN, down={"s1": NOW - 1000}))) == []


def test_while_the_active_balancer_is_silent_nothing_is_learned_of_who_fails() -> None:
    seen = observed(server("s1"), a=balancer("a", routes=None))
    plan = decided(seen, replace(OPEN, down={"s1": NOW - 100}))
    assert (told(plan), plan.memory.down) == ([], {"s1": NOW - 100})


def test_who_dies_at_its_work_has_not_died_at_its_start() -> None:
    dead = observed(server("s1", age=1.0, alive=False, ending="exit code 1"))
    plan = decided(dead, replace(OPEN, deaths=1))
    assert (plan.memory.deaths, plan.memory.retry_at, plan.memory.died_at_work) == (1, 0.0, (NOW,))
    assert plan.events == ()
    third = decided(dead, replace(OPEN, died_at_work=(NOW - 20, NOW - 9, NOW - 8)))
    assert third.memory.died_at_work == (NOW - 9, NOW - 8, NOW)
    assert third.events[0].text.startswith("3 servers died at their work within 10 s, the last one: exit code 1")


def test_who_dies_as_fast_as_it_is_made_waits() -> None:
    dead = observed(server("s1", age=1.0, alive=False))
    assert decided(dead, replace(OPEN, died_at_work=(NOW - 1,) * (STORM - 1))).memory.retry_at == 0.0
    assert decided(dead, replace(OPEN, died_at_work=(NOW - 1,) * STORM)).memory.retry_at == NOW + STORM_PAUSE


# Time limits


def test_a_server_has_start_timeout_for_its_first_heartbeat() -> None:
    assert told(decided(observed(server("s1", 60.0, ready=False)))) == []
    late = decided(observed(server("s1", 60.1, ready=False)))
    assert told(late) == ["KillServer s1"]
    assert late.actions[0].reason == "s1 did not answer within servers.start_timeout = 60 s"


def test_a_server_asked_to_stop_is_killed_only_if_it_does_not() -> None:
    """Even if it fails its heartbeats meanwhile: it may be finishing its last requests."""
    assert told(decided(failing(hung="is stopped"), replace(OPEN, stopping={"s1": NOW - TERM_GRACE}))) == []
    late = decided(failing(), replace(OPEN, stopping={"s1": NOW - TERM_GRACE - 1}))
    assert told(late) == ["KillServer s1"]
    assert late.actions[0].reason == "s1 did not stop within 35 s of being asked"
