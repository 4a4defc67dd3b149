"""Which servers: who starts, who leaves, who is stopped."""

from dataclasses import replace

import pytest

from seawall.decide.servers import AT_ONCE, decide
from seawall.model import Memory, Observed, Plan, Site, StartServer, WarmSeen
from tests.decide.values import NOW, OPEN, SITE, WARM, balancer, observed, route, server, told


def decided(seen: Observed, memory: Memory = OPEN, **site: object) -> Plan:
    return decide(replace(SITE, **site), seen, memory, NOW)  # type: ignore[arg-type]


def leaving(seen: Observed, memory: Memory = OPEN, **site: object) -> set[str]:
    return set(decided(seen, memory, **site).memory.leaving)


TWO = observed(server("s1"), server("s2"))
THREE = observed(server("s1"), server("s2"), server("s3"))


def test_enough_is_enough() -> None:
    assert decided(TWO) == Plan((), OPEN)


# Starting


def test_missing_servers_are_started_under_new_names() -> None:
    plan = decided(observed(server("s1")), min=3)
    assert told(plan) == ["StartServer s10", "StartServer s11"]
    assert plan.actions[0].reason == "3 servers are wanted, 1 are there"
    assert plan.memory.next_server == 12


def test_those_that_are_starting_count() -> None:
    assert told(decided(observed(server("s1"), server("s2", ready=False)))) == []


def test_those_that_are_dead_leaving_or_stopping_do_not_count() -> None:
    seen = observed(server("s1"), server("s2", alive=False), server("s3"), server("s4"))
    memory = replace(OPEN, leaving={"s3": 999.0}, stopping={"s4": 999.0})
    assert told(decided(seen, memory)) == ["StartServer s10"]


def test_only_so_many_start_at_once() -> None:
    assert len(decided(observed(), min=50).actions) == AT_ONCE
    three = [server(f"s{n}", 1.0, ready=False) for n in range(3)]
    assert len(decided(observed(*three), min=50).actions) == AT_ONCE - 3
    assert len(decided(observed(*three), min=50, restart=frozenset({"s0", "s1"})).actions) == AT_ONCE - 3
    eight = [server(f"s{n}", 1.0, ready=False) for n in range(8)]
    assert decided(observed(*eight), min=50).actions == ()


def test_who_was_told_to_stop_is_not_starting() -> None:
    stuck = [server(f"s{n}", ready=False) for n in range(8)]
    memory = replace(OPEN, stopping={s.name: NOW for s in stuck})
    assert len(decided(observed(*stuck), memory, min=2).actions) == 2


def test_after_an_early_death_one_is_tried_at_a_time() -> None:
    memory = replace(OPEN, deaths=1)
    assert told(decided(observed(), memory)) == ["StartServer s10"]
    assert told(decided(observed(server("s1", 0.1, ready=False)), memory)) == []
    assert told(decided(observed(server("s1", 0.1)), memory)) == ["StartServer s10"]


def test_a_crash_loop_waits() -> None:
    assert decided(observed(), replace(OPEN, retry_at=NOW + 0.1)).actions == ()
    assert decided(observed(), replace(OPEN, retry_at=NOW)).actions


@pytest.mark.parametrize("warms", [(), (replace(WARM, ready=False),), (replace(WARM, hung="is stopped"),)])
def test_servers_are_forked_from_a_warm_process_that_is_ready(warms: tuple[WarmSeen, ...]) -> None:
    assert decided(observed(warms=warms)).actions == ()
    assert decided(observed(warms=(WARM,))).actions


def test_an_application_without_a_warm_process_is_started_cold() -> None:
    plan = decided(observed(warms=None))
    assert told(plan) == ["StartServer s10", "StartServer s11"]
    assert [action.warm for action in plan.actions if isinstance(action, StartServer)] == ["", ""]


# Other code

NEXT = WarmSeen("w2", NOW - 1, generation=1)


def test_while_the_next_code_is_imported_servers_come_from_the_present_one() -> None:
    plan = decided(observed(server("s1"), warms=(WARM, NEXT)), generation=1)
    assert [(a.server, a.warm) for a in plan.actions if isinstance(a, StartServer)] == [("s10", "w1")]
    assert plan.memory.leaving == {}


def test_when_it_is_imported_all_are_replaced_by_servers_from_it() -> None:
    ready = replace(NEXT, ready=True)
    first = decided(replace(TWO, warms=(WARM, ready)), generation=1)
    assert [(a.server, a.warm) for a in first.actions if isinstance(a, StartServer)] == [("s10", "w2"), ("s11", "w2")]
    new = [server("s10", 1.0, generation=1), server("s11", 1.0, generation=1)]
    seen = observed(server("s1"), server("s2"), *new, warms=(ready,))
    assert leaving(seen, generation=1) == {"s1", "s2"}


def test_code_that_nobody_can_fork_yet_replaces_nothing() -> None:
    assert decided(replace(TWO, warms=(WARM,)), generation=1).actions == ()
    assert told(decided(replace(TWO, warms=None), generation=1)) == ["StartServer s10", "StartServer s11"]


def test_a_server_whose_socket_is_gone_is_replaced() -> None:
    assert told(decided(observed(server("s1", lost=True), server("s2")))) == ["StartServer s10"]
    assert leaving(observed(server("s1", lost=True), server("s2"), server("s10", 1.0))) == {"s1"}


# Leaving


def test_the_youngest_of_too_many_leave() -> None:
    assert decided(THREE).memory.leaving == {"s3": NOW}
    assert leaving(THREE, min=1) == {"s2", "s3"}


def test_of_those_that_serve_the_one_with_the_least_to_finish_leaves() -> None:
    busy = (route("s1", current=2), route("s2", current=3), route("s3", current=2, queued=1))
    assert leaving(replace(THREE, balancers=(balancer("a", *busy), balancer("b")))) == {"s1"}


def test_of_too_many_those_that_do_not_serve_leave_first() -> None:
    assert leaving(observed(server("s1", ready=False), server("s2"), server("s3"))) == {"s1"}
    assert leaving(THREE, replace(OPEN, down={"s1": 999.0})) == {"s1"}


def test_nobody_leaves_before_enough_others_serve() -> None:
    assert leaving(observed(server("s1"), server("s2", ready=False), server("s3", ready=False))) == set()
    assert leaving(THREE, replace(OPEN, down={"s2": 999.0, "s3": 999.0})) == set()


def test_who_leaves_keeps_leaving() -> None:
    assert decided(THREE, replace(OPEN, leaving={"s1": 990.0})).memory.leaving == {"s1": 990.0}


def test_when_nobody_else_serves_who_was_to_leave_stays() -> None:
    memory = replace(OPEN, leaving={"s1": 990.0})
    assert leaving(observed(server("s1"), server("s2", alive=False)), memory) == set()
    assert leaving(observed(server("s1"), server("s2", ready=False)), memory) == set()
    assert leaving(TWO, replace(memory, down={"s2": 999.0})) == set()


def test_drained_servers_leave_at_once_and_are_replaced() -> None:
    plan = decided(TWO, drain=frozenset({"s1"}))
    assert set(plan.memory.leaving) == {"s1"}
    assert told(plan) == ["StartServer s10"]
    assert plan.actions[0].reason == "others are to be replaced, 1 are there"


def test_the_last_server_is_drained_only_when_another_serves() -> None:
    one = decided(observed(server("s1")), min=1, drain=frozenset({"s1"}))
    assert (told(one), one.memory.leaving) == (["StartServer s10"], {})
    both = decided(TWO, drain=frozenset({"s1", "s2"}))
    assert (told(both), both.memory.leaving) == (["StartServer s10", "StartServer s11"], {})
    assert leaving(observed(server("s1"), server("s10")), min=1, drain=frozenset({"s1"})) == {"s1"}


def test_restarted_servers_leave_when_all_their_replacements_serve() -> None:
    restart = frozenset({"s1", "s2"})
    first = decided(TWO, restart=restart)
    assert (told(first), first.memory.leaving) == (["StartServer s10", "StartServer s11"], {})
    replacements = [server("s10", 1.0), server("s11", 1.0, ready=False)]
    assert leaving(observed(server("s1"), server("s2"), *replacements), restart=restart) == set()
    replacements[1] = server("s11", 1.0)
    assert leaving(observed(server("s1"), server("s2"), *replacements), restart=restart) == {"s1", "s2"}


# Stopping

LEAVING = replace(OPEN, leaving={"s3": NOW - 5})


def third(a: tuple = (), b: tuple = (), **seen: object) -> Observed:
    """s3 leaves; `a` and `b` are the routes of the balancers to it."""
    others = (route("s1"), route("s2"))
    return replace(THREE, balancers=(balancer("a", *others, *a), balancer("b", *others, *b)), **seen)


def test_who_leaves_is_stopped_when_no_balancer_knows_it_any_more() -> None:
    plan = decided(third(), LEAVING)
    assert told(plan) == ["StopServer s3"]
    assert plan.actions[0].reason == "s3 has drained: no balancer sends it anything"
    assert plan.memory.stopping == {"s3": NOW}
    assert decided(third(), plan.memory).actions == ()


@pytest.mark.parametrize("status", ["up", "drain", "maint", "down"])
def test_who_leaves_is_not_stopped_while_a_balancer_knows_it(status: str) -> None:
    assert decided(third(b=(route("s3", status),)), LEAVING).actions == ()  # type: ignore[arg-type]


def test_a_balancer_in_its_old_backend_counts_too() -> None:
    assert decided(third(a=(route("s3", "drain", strategy="random"),)), LEAVING).actions == ()


def test_nobody_is_stopped_while_a_balancer_is_silent() -> None:
    silent = (balancer("a", route("s1"), route("s2")), balancer("b", routes=None))
    assert decided(replace(THREE, balancers=silent), replace(OPEN, leaving={"s3": 0.0})).actions == ()
    dead = (silent[0], balancer("b", alive=False, routes=None))
    assert told(decided(replace(THREE, balancers=dead), LEAVING)) == ["StopServer s3"]


def test_who_has_requests_after_stop_timeout_is_stopped() -> None:
    busy = third(a=(route("s3", "drain", current=1),))
    assert decided(busy, replace(OPEN, leaving={"s3": NOW - 30})).actions == ()
    plan = decided(busy, replace(OPEN, leaving={"s3": NOW - 31}))
    assert told(plan) == ["StopServer s3"]
    assert plan.actions[0].reason == "s3 still has requests after servers.stop_timeout = 30 s"


def test_who_leaves_because_fewer_are_enough_may_take_his_time() -> None:
    busy, memory = third(a=(route("s3", "drain", current=1),)), replace(OPEN, leaving={"s3": NOW - 3000})
    assert decided(busy, memory, max=3).actions == ()
    for ordered in ({"drain": frozenset({"s3"})}, {"restart": frozenset({"s3"})}):
        assert "StopServer s3" in told(decided(busy, memory, max=3, **ordered))
    assert "StopServer s3" in told(decided(busy, replace(memory, down={"s3": NOW - 99}), max=3))


def test_who_still_gets_visitors_is_not_stopped_however_late() -> None:
    """The balancer refuses to drain it, or to take its replacement."""
    assert decided(third(a=(route("s3", "up"),)), replace(OPEN, leaving={"s3": 0.0})).actions == ()


def test_who_is_to_stay_after_all_is_not_stopped_in_the_same_breath() -> None:
    seen = observed(server("s1", alive=False), server("s3"), a=balancer("a"), b=balancer("b"))
    assert told(decided(seen, LEAVING, min=1)) == []


def test_a_site_that_sleeps_has_no_servers() -> None:
    asleep = replace(OPEN, asleep_since=NOW)
    assert decide(Site(min=0), observed(), asleep, NOW) == Plan((), asleep)
    assert decide(Site(min=0), observed(server("s1")), asleep, NOW).memory.leaving == {"s1": NOW}
    assert told(decide(Site(min=0), observed(), OPEN, NOW)) == ["StartServer s10"]


def test_who_was_to_leave_for_the_night_stays_when_somebody_comes() -> None:
    woken = replace(OPEN, waking_since=NOW, leaving={"s1": NOW - 1})
    plan = decide(Site(min=0), observed(server("s1")), woken, NOW)
    assert (told(plan), plan.memory.leaving) == ([], {})
