"""The Erlang formula against sums by hand, against a queue that is played through, and against its own definition."""

import heapq
import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.decide.erlang import CLOSED, PATIENCE, SHARE, servers, wait_longer


def by_definition(places: int, load: float) -> float:
    """Erlang C as its textbook writes it, with factorials."""
    last = load**places / math.factorial(places) * places / (places - load)
    return last / (sum(load**k / math.factorial(k) for k in range(places)) + last)


@pytest.mark.parametrize(("places", "load"), [(1, 0.5), (2, 1.0), (4, 3.0), (8, 6.5), (20, 15.0)])
def test_the_share_that_waits_at_all_is_that_of_the_textbook(places: int, load: float) -> None:
    assert wait_longer(places, load, 0.0) == pytest.approx(by_definition(places, load))


def test_values_by_hand() -> None:
    assert wait_longer(1, 0.5, 0.0) == pytest.approx(0.5)  # one place: as much as it is in use
    assert wait_longer(2, 1.0, 0.0) == pytest.approx(1 / 3)
    assert wait_longer(2, 1.0, 1.0) == pytest.approx(math.exp(-1) / 3)
    assert wait_longer(4, 0.0, 1.0) == 0.0
    assert wait_longer(4, 4.0, 1.0) == 1.0


@pytest.mark.parametrize(("places", "load"), [(60, CLOSED + 1), (110, 100.0), (520, 500.0)])
def test_the_closed_form_is_near_the_exact_one(places: int, load: float) -> None:
    blocked = 1.0
    for place in range(1, places + 1):
        blocked = load * blocked / (place + load * blocked)
    exact = blocked / (1 - load / places * (1 - blocked))
    assert wait_longer(places, load, 0.0) == pytest.approx(exact, rel=0.1)


def played(places: int, rate: float, service: float, requests: int = 150_000) -> float:
    """The share of requests that wait longer than PATIENCE, by playing a queue through."""
    random, now, late = Random(1), 0.0, 0
    free = [0.0] * places  # when each place is
    for _ in range(requests):
        now += random.expovariate(rate)
        begins = max(now, heapq.heappop(free))
        late += begins - now > PATIENCE
        heapq.heappush(free, begins + random.expovariate(1 / service))
    return late / requests


def test_it_is_what_happens_in_a_queue() -> None:
    assert wait_longer(8, 6.0, PATIENCE / 0.1) == pytest.approx(played(8, 60.0, 0.1), abs=0.01)


@given(st.floats(0.05, 300), st.sampled_from([1, 4, 100]), st.floats(0.005, 5), st.integers(0, 30))
def test_it_is_the_smallest_number_that_is_enough(load: float, slots: int, service: float, streams: int) -> None:
    def enough(number: int) -> bool:
        places = number * slots - streams
        return places >= load + math.sqrt(load) - 1e-6 and wait_longer(places, load, PATIENCE / service) <= SHARE

    number = servers(load, slots, service, streams)
    assert enough(number)
    assert number == 1 or not enough(number - 1)


def test_nobody_needs_no_server_but_streams_keep_their_places() -> None:
    assert servers(0.0, 4, 0.1) == 0
    assert servers(0.0, 4, 0.0, streams=5) == 2
