"""Which balancer is active, and which is replaced."""

from dataclasses import replace

import pytest

from seawall.decide.takeover import START, decide
from seawall.model import FINISHING, BalancerSeen, Memory, Observed, Plan, Site
from tests.decide.values import NOW, OPEN, SITE, balancer, observed, route, server, told

DEAD = {"alive": False, "answering": False, "routes": None, "strategy": None}
HUNG = {"owes": True, "hung": "is stopped", "routes": None, "strategy": None}
STARTING = {"answering": False, "routes": None, "strategy": None, "age": 1.0}


def decided(a: BalancerSeen, b: BalancerSeen, memory: Memory = OPEN, **seen: object) -> Plan:
    return decide(SITE, observed(server("s1"), a=a, b=b, **seen), memory, NOW)


def well(name: str, **seen: object) -> BalancerSeen:
    return balancer(name, route("s1"), **seen)  # type: ignore[arg-type]


A, B = well("a"), well("b")


def test_two_that_are_well_are_left_alone() -> None:
    assert decided(A, B) == Plan((), OPEN)


# The first start


@pytest.mark.parametrize("servers", [(), (server("s1", ready=False),), (server("s1", alive=False),)])
def test_balancers_wait_for_the_first_server(servers: tuple) -> None:
    seen = Observed(servers, (BalancerSeen("a"), BalancerSeen("b")))
    assert decide(SITE, seen, Memory(), NOW) == Plan((), Memory())


def test_balancers_start_with_the_first_server() -> None:
    plan = decided(BalancerSeen("a"), BalancerSeen("b"), Memory())
    assert told(plan) == ["StartBalancer a", "StartBalancer b"]
    assert [action.reason for action in plan.actions] == [
        "the site needs its active balancer",
        "the site needs its spare balancer",
    ]
    assert plan.memory.opened


def test_an_open_site_keeps_its_balancers_without_servers() -> None:
    seen = Observed((), (balancer("a", **DEAD), balancer("b")))
    assert told(decide(SITE, seen, OPEN, NOW)) == ["TakeOver b", "StartBalancer a"]


# Failures


def test_a_dead_active_is_replaced_by_the_spare_first() -> None:
    plan = decided(balancer("a", **DEAD), B)
    assert told(plan) == ["TakeOver b", "StartBalancer a"]
    assert plan.actions[0].reason == "the active balancer a is not running"
    assert plan.actions[1].reason == "the active balancer a died"


def test_a_hung_active_is_replaced_then_killed() -> None:
    plan = decided(balancer("a", **HUNG), B)
    assert told(plan) == ["TakeOver b", "KillBalancer a"]
    assert plan.actions[1].reason == "balancer a is stopped"


def test_changes_of_the_configuration_in_quick_succession_are_no_deaths() -> None:
    often = replace(OPEN, balancer_deaths={"b": 5})
    plan = decided(well("a"), balancer("b", age=1.0, edge="old", **DEAD), often)
    assert [action.reason for action in plan.actions] == ["the spare balancer b had an outdated configuration"]
    assert plan.memory.balancer_deaths == {"b": 0}
    assert plan.memory.balancer_retry_at == {"b": NOW}


def test_one_that_may_only_be_slow_is_left_alone() -> None:
    assert told(decided(well("a", owes=True, routes=None), B)) == []


def test_a_dead_or_hung_spare_is_replaced() -> None:
    assert told(decided(A, balancer("b", **DEAD))) == ["StartBalancer b"]
    assert told(decided(A, balancer("b", **HUNG))) == ["KillBalancer b"]


def test_b_may_be_the_active_one() -> None:
    assert told(decided(A, balancer("b", **HUNG), active="b")) == ["TakeOver a", "KillBalancer b"]


UNFIT = [
    (balancer("b", **DEAD), Memory()),
    (balancer("b", **STARTING), Memory()),
    (balancer("b", owes=True), Memory()),
    (balancer("b", hung="is stopped"), Memory()),
    (balancer("b"), Memory(retiring={"b": NOW})),
]


@pytest.mark.parametrize(("spare", "memory"), UNFIT)
def test_nobody_is_handed_over_to_a_spare_that_is_not_fit(spare: BalancerSeen, memory: Memory) -> None:
    plan = decided(balancer("a", **DEAD), spare, replace(OPEN, retiring=memory.retiring))
    assert "TakeOver b" not in told(plan)
    assert "StartBalancer a" in told(plan)


def test_one_that_starts_has_time_to() -> None:
    started = {**STARTING, "age": START}
    assert told(decided(A, balancer("b", **started))) == []
    plan = decided(A, balancer("b", **{**started, "age": START + 0.1}))
    assert told(plan) == ["KillBalancer b"]
    assert plan.actions[0].reason == "balancer b does not answer since it started"


def test_one_that_keeps_dying_young_is_started_with_growing_pauses() -> None:
    dead = balancer("b", **DEAD, age=1.0)
    plan = decided(A, dead, replace(OPEN, balancer_deaths={"b": 2}))
    assert told(plan) == ["StartBalancer b"]
    assert plan.memory.balancer_deaths == {"b": 3}
    assert plan.memory.balancer_retry_at == {"b": NOW + 0.5}
    assert decided(A, dead, plan.memory).actions == ()
    old = decided(A, balancer("b", **DEAD), replace(OPEN, balancer_deaths={"b": 2}))
    assert old.memory.balancer_deaths == {"b": 0}


# Another configuration


def test_a_new_configuration_comes_by_way_of_the_spare() -> None:
    old = {"edge": "old"}
    retire = decided(well("a", **old), well("b", **old))
    assert told(retire) == ["RetireBalancer b"]
    assert retire.memory.retiring == {"b": NOW}
    start = decided(well("a", **old), balancer("b", **DEAD), retire.memory)
    assert told(start) == ["StartBalancer b"]
    assert start.memory.retiring == {}
    assert told(decided(well("a", **old), balancer("b", **STARTING))) == []
    assert told(decided(well("a", **old), B)) == ["TakeOver b"]
    assert told(decided(well("a", **old), B, active="b")) == ["RetireBalancer a"]


def test_nobody_is_handed_over_to_a_new_balancer_that_has_no_server_up() -> None:
    for spare in (balancer("b"), balancer("b", route("s1", "down")), balancer("b", routes=None)):
        assert told(decided(well("a", edge="old"), spare)) == []
    elsewhere = balancer("b", route("s1", strategy="random"))
    assert told(decided(well("a", edge="old"), elsewhere)) == []


def test_the_spare_is_not_retired_while_the_active_is_not_well() -> None:
    for active in (balancer("a", **STARTING), well("a", owes=True)):
        assert told(decided(active, well("b", edge="old"))) == []
    assert told(decided(balancer("a", **DEAD), well("b", edge="old"))) == ["TakeOver b", "StartBalancer a"]


def test_a_retired_balancer_finishes_though_its_heartbeats_have_ended() -> None:
    retired = well("b", edge="old", owes=True, routes=None)
    assert decided(A, retired, replace(OPEN, retiring={"b": NOW - 30})).actions == ()
    plan = decided(A, retired, replace(OPEN, retiring={"b": NOW - 31}))
    assert told(plan) == ["KillBalancer b"]
    assert plan.actions[0].reason == "balancer b still has visitors after servers.stop_timeout = 30 s"


def test_a_site_that_wants_what_runs_changes_nothing() -> None:
    assert decide(Site(edge="old"), observed(a=well("a", edge="old"), b=well("b", edge="old")), OPEN, NOW).actions == ()


# One that somebody else told to finish


def test_one_that_finishes_unasked_is_replaced_and_keeps_its_visitors() -> None:
    plan = decided(well("a", hung=FINISHING), B)
    assert told(plan) == ["TakeOver b", "RetireBalancer a"]
    assert plan.memory.retiring == {"a": NOW}
    assert told(decided(A, well("b", hung=FINISHING))) == ["RetireBalancer b"]


def test_an_active_that_finishes_is_replaced_as_soon_as_there_is_a_spare() -> None:
    retiring = replace(OPEN, retiring={"a": NOW})
    assert told(decided(well("a", hung=FINISHING), balancer("b", **STARTING), retiring)) == []
    assert told(decided(well("a", hung=FINISHING), B, retiring)) == ["TakeOver b"]


def test_of_two_that_finish_the_spare_is_killed_since_new_visitors_wait() -> None:
    plan = decided(well("a", hung=FINISHING), well("b", hung=FINISHING))
    assert told(plan) == ["RetireBalancer a", "KillBalancer b"]
