"""Which server gets traffic, step by step."""

from dataclasses import replace

import pytest

from seawall.decide.routing import decide
from seawall.model import BalancerSeen, Memory, Observed, RouteSeen, RouteStatus, ServerSeen, Strategy
from tests.decide.values import NOW, OPEN, SITE, balancer, observed, route, server, told


def decided(seen: Observed, memory: Memory = OPEN, strategy: Strategy = "least-connections") -> list[str]:
    plan = decide(replace(SITE, strategy=strategy), seen, memory, NOW)
    assert (plan.memory, plan.events) == (memory, ())
    return told(plan)


def at(one: BalancerSeen, *servers: ServerSeen) -> Observed:
    """Only balancer a, as the one that is looked at."""
    return Observed(servers, (one,))


def steps(status: RouteStatus, current: int = 0, memory: Memory = OPEN, **seen: object) -> list[str]:
    """What is done, step by step, about s1 with this route; s2 is well."""
    routes = (route("s1", status, current), route("s2"))
    words = decided(at(balancer("a", *routes), server("s1", **seen), server("s2")), memory)
    assert all(word.startswith("Route a least-connections s1 ") for word in words)
    return [word.split()[-1] for word in words]


def test_where_everything_is_as_wanted_nothing_is_done() -> None:
    assert decided(observed(server("s1"), server("s2"))) == []


# Entering


def test_a_ready_server_is_added_and_enabled_at_both_balancers() -> None:
    seen = observed(server("s1"), a=balancer("a"), b=balancer("b"))
    assert decided(seen) == [
        "Route a least-connections s1 add",
        "Route a least-connections s1 enable",
        "Route b least-connections s1 add",
        "Route b least-connections s1 enable",
    ]


@pytest.mark.parametrize("status", ["drain", "maint"])
def test_a_server_that_is_there_and_not_in_use_is_enabled(status: RouteStatus) -> None:
    assert steps(status) == ["enable"]


@pytest.mark.parametrize("status", ["up", "down"])
def test_heartbeats_are_left_to_haproxy(status: RouteStatus) -> None:
    assert steps(status, memory=replace(OPEN, down={"s1": 999.0})) == []


def test_who_is_not_ready_dead_leaving_stopping_or_failing_is_not_added() -> None:
    servers = [server("s1", ready=False), server("s2", alive=False), server("s3"), server("s4"), server("s5")]
    memory = replace(OPEN, leaving={"s3": 999.0}, stopping={"s4": 999.0}, down={"s5": 999.0})
    assert decided(at(balancer("a"), *servers), memory) == []


def test_a_balancer_that_is_dead_or_silent_is_told_nothing() -> None:
    dead = balancer("a", alive=False)
    assert decided(observed(server("s1"), a=dead, b=balancer("b", routes=None))) == []


# Leaving


@pytest.mark.parametrize("gone", ["leaving", "stopping"])
def test_who_leaves_first_finishes_its_requests(gone: str) -> None:
    memory = replace(OPEN, **{gone: {"s1": 999.0}})  # type: ignore[arg-type]
    assert steps("up", current=3, memory=memory) == ["drain"]
    assert steps("up", current=0, memory=memory) == ["drain"]
    assert steps("drain", current=1, memory=memory) == []
    assert steps("drain", current=0, memory=memory) == ["maint", "remove"]
    assert steps("maint", memory=memory) == ["remove"]


def test_requests_that_wait_for_a_server_count() -> None:
    memory = replace(OPEN, leaving={"s1": 999.0})
    seen = at(balancer("a", route("s1", "drain", queued=1), route("s2")), server("s1"), server("s2"))
    assert decided(seen, memory) == []


def test_who_leaves_and_fails_is_taken_out_though_its_drain_cannot_be_seen() -> None:
    memory = replace(OPEN, leaving={"s1": 999.0}, down={"s1": 999.0})
    assert steps("down", current=1, memory=memory) == ["drain"]
    assert steps("down", current=0, memory=memory) == ["drain", "maint", "remove"]


@pytest.mark.parametrize("status", ["up", "down", "drain"])
def test_the_dead_are_taken_out_at_once(status: RouteStatus) -> None:
    assert steps(status, current=1, alive=False) == ["maint", "remove"]
    assert steps("maint", alive=False) == ["remove"]


def test_who_is_not_known_at_all_is_taken_out() -> None:
    assert decided(at(balancer("a", route("s1"), route("s2")), server("s2"))) == [
        "Route a least-connections s1 maint",
        "Route a least-connections s1 remove",
    ]


@pytest.mark.parametrize("status", ["up", "down", "drain", "maint"])
def test_who_has_a_route_and_is_not_known_to_be_ready_keeps_it(status: RouteStatus) -> None:
    """The control plane before this one died when it had enabled the server and not yet recorded it as ready."""
    assert steps(status, ready=False) == []


# Another strategy


def other(*routes: RouteSeen, strategy: Strategy = "least-connections") -> Observed:
    return at(balancer("a", *routes, strategy=strategy), server("s1"))


def test_visitors_are_sent_to_another_backend_when_its_servers_are_enabled() -> None:
    assert decided(other(route("s1")), strategy="random") == [
        "Route a random s1 add",
        "Route a random s1 enable",
        "SetStrategy a random",
    ]
    begun = other(route("s1"), route("s1", "maint", strategy="random"))
    assert decided(begun, strategy="random") == ["Route a random s1 enable", "SetStrategy a random"]


def test_visitors_are_not_sent_to_an_empty_backend() -> None:
    assert decided(other(route("s1")), replace(OPEN, down={"s1": 999.0}), "random") == []


def test_the_old_backend_is_emptied_when_nobody_is_sent_there_any_more() -> None:
    new = route("s1", strategy="random")
    assert decided(other(route("s1", current=1), new, strategy="random"), strategy="random") == [
        "Route a least-connections s1 drain"
    ]
    assert decided(other(route("s1", "drain"), new, strategy="random"), strategy="random") == [
        "Route a least-connections s1 maint",
        "Route a least-connections s1 remove",
    ]
    assert decided(other(route("s1", "drain", current=1), new, strategy="random"), strategy="random") == []


def test_a_change_of_mind_takes_the_first_backend_into_use_again() -> None:
    seen = other(route("s1", "drain", current=1), route("s1", strategy="random"), strategy="random")
    assert decided(seen) == ["Route a least-connections s1 enable", "SetStrategy a least-connections"]


def test_a_balancer_that_cannot_tell_its_strategy_is_not_switched() -> None:
    assert decided(at(balancer("a", route("s1"), strategy=None), server("s1"))) == []
