"""How many requests a server is given and takes while the number changes: never more given than taken."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from seawall.decide import slots
from seawall.decide.routing import decide
from seawall.model import BalancerSeen, Observed, RouteSeen, ServerSeen
from tests.decide.values import NOW, OPEN, SITE, balancer, observed, route, server, told

HOW_MANY = replace(SITE, slots=8)


def limits(seen: Observed) -> list[str]:
    return [word for word in told(decide(HOW_MANY, seen, OPEN, NOW)) if word.endswith("limit")]


def both(limit: int, one: ServerSeen) -> Observed:
    routes = [replace(route("s1"), limit=limit)]
    return observed(one, a=balancer("a", *routes), b=balancer("b", *routes))


def test_a_higher_number_reaches_the_balancers_once_the_server_takes_it() -> None:
    assert limits(both(4, server("s1", slots=4))) == []
    assert slots.taken(HOW_MANY, both(4, server("s1", slots=4)), "s1", 4) == 8
    assert limits(both(4, server("s1", slots=8))) == [
        "Route a least-connections s1 limit",
        "Route b least-connections s1 limit",
    ]
    assert limits(both(8, server("s1", slots=8))) == []


def test_a_lower_number_reaches_the_server_once_no_balancer_gives_it_more() -> None:
    before = both(16, server("s1", slots=16))
    assert len(limits(before)) == 2
    assert slots.taken(HOW_MANY, before, "s1", 16) == 16
    half = observed(a=balancer("a", replace(route("s1"), limit=8)), b=balancer("b", replace(route("s1"), limit=16)))
    assert slots.taken(HOW_MANY, half, "s1", 16) == 16
    assert slots.taken(HOW_MANY, both(8, server("s1", slots=16)), "s1", 16) == 8


def test_who_does_not_say_how_many_it_takes_is_given_what_is_wanted() -> None:
    assert slots.given(HOW_MANY, 0) == 8
    assert len(limits(both(4, server("s1")))) == 2


def test_what_is_not_known_changes_nothing() -> None:
    silent = observed(server("s1", slots=16), a=balancer("a", routes=None), b=balancer("b", alive=False))
    assert slots.taken(HOW_MANY, silent, "s1", 16) == 16
    assert limits(both(0, server("s1", slots=16))) == []


@pytest.mark.parametrize("gone", [{"ready": False}, {"alive": False}])
def test_who_does_not_serve_is_left_alone(gone: dict[str, bool]) -> None:
    assert limits(both(4, server("s1", slots=8, **gone))) == []


@given(some.lists(some.tuples(some.sampled_from(["wanted", "pulse", "a", "b"]), some.integers(1, 20)), max_size=60))
@settings(max_examples=200, deadline=None)
def test_no_order_of_events_gives_a_server_more_than_it_takes(events: list[tuple[str, int]]) -> None:
    """The number changes at any moment; each balancer and the server hear of what was decided at any later one."""
    wanted, takes, gives = 4, 4, {"a": 4, "b": 4}
    for what, number in [*events, *[(what, 0) for what in ("pulse", "a", "b", "pulse")]]:
        site = replace(SITE, slots=wanted)
        seen = Observed(
            (server("s1", slots=takes),),
            tuple(BalancerSeen(name, True, True, routes=_routes(gives[name])) for name in ("a", "b")),  # type: ignore[arg-type]
        )
        if what == "wanted":
            wanted = number
        elif what == "pulse":
            takes = slots.taken(site, seen, "s1", takes)
        else:
            gives[what] = slots.given(site, takes)
        assert max(gives.values()) <= takes
    assert (takes, *gives.values()) == (wanted,) * 3


def _routes(limit: int) -> tuple[RouteSeen, ...]:
    return (replace(route("s1"), limit=limit),)
