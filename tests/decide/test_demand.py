"""What the load asks for, from the counts of the balancers: by hand, and for counts of any kind."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.decide.demand import COARSE, GAP, LONG, WINDOW, Offered, before, note, offered
from seawall.model import Demand, Load


def followed(*rates: tuple[float, float], service: float = 0.1, start: float = 100.0) -> tuple[Demand, Load]:
    """What is noted after so many requests a second for so many seconds, each (rate, seconds), read each 0.1 s."""
    demand, load, arrived, work = Demand(), Load(start), 0.0, 0.0
    for rate, seconds in rates:
        for _ in range(round(seconds * 10)):
            arrived, work = arrived + rate / 10, work + rate * service / 10
            load = Load(load.at + 0.1, int(arrived), int(arrived), work, round(rate * service))
            demand = note(demand, load)
    return demand, load


def told(*rates: tuple[float, float], service: float = 0.1) -> Offered:
    return offered(*followed(*rates, service=service))


def test_a_steady_load_is_what_it_is() -> None:
    found = told((40.0, 30.0), service=0.31)
    assert found.rate == pytest.approx(40.0, rel=0.01)
    assert found.service == pytest.approx(0.31, rel=0.01)
    assert found.places == pytest.approx(12.4, rel=0.02)
    assert found.serving == pytest.approx(12.4, rel=0.02)
    assert found.known


def test_a_surge_counts_as_soon_as_it_is_proven() -> None:
    quiet = told((4.0, 30.0))
    after = told((4.0, 30.0), (400.0, 0.2))
    # By hand: 80 came in 0.2 s, of which chance is taken off: (√80 - 2)² / 0.2 = 241.
    assert after.rate == pytest.approx((math.sqrt(80) - 2) ** 2 / 0.2, rel=0.1)
    assert quiet.rate < 5


def test_what_chance_brings_is_no_surge() -> None:
    assert told((4.0, 30.0), (20.0, 0.2)).rate == pytest.approx(4.0, rel=0.1)


def test_a_site_that_has_just_begun_to_be_read_proves_its_load_like_a_surge() -> None:
    assert told((40.0, 0.3)).rate < 40.0
    assert told((40.0, 15.0)).rate == pytest.approx((math.sqrt(600) - 2) ** 2 / 15, rel=0.05)


def test_the_time_in_a_server_is_remembered_while_nobody_comes() -> None:
    demand, load = followed((40.0, 30.0), service=0.3)
    demand = replace(demand, service=offered(demand, load).service)
    for tick in range(1300):
        load = replace(load, at=load.at + 0.1, serving=0)
        demand = note(demand, load)
        if tick % 100 == 0:
            assert offered(demand, load).service == pytest.approx(0.3, rel=0.05)
    assert offered(demand, load) == Offered(0.0, demand.service, 0.0)


def test_before_any_is_finished_they_take_as_long_as_they_have_been_there() -> None:
    demand, found = Demand(), Offered()
    for tick in range(31):
        load = Load(100 + tick / 10, 8, 0, 8 * tick / 10, serving=8)
        demand = note(demand, load)
        found = offered(demand, load)
        assert found.service == pytest.approx(tick / 10 if tick else 0.0)
        assert not found.known


def test_what_is_remembered_is_no_reason_to_believe_that_slow_ones_are_quick() -> None:
    demand = Demand(service=0.1)
    for tick in range(31):
        demand = note(demand, load := Load(100 + tick / 10, 8, 0, 8 * tick / 10, serving=8))
    assert offered(demand, load).service == pytest.approx(3.0)


def test_a_gap_or_counts_that_begin_anew_begin_the_windows_anew() -> None:
    demand, load = followed((40.0, 5.0))
    assert len(note(demand, replace(load, at=load.at + GAP + 0.1)).samples) == 1
    assert len(note(demand, replace(load, at=load.at + 0.1, arrived=0)).samples) == 1
    assert note(demand, load) is demand


@given(st.lists(st.floats(0.05, 0.9), min_size=1, max_size=400))
def test_samples_are_few_and_reach_back_far_enough(pauses: list[float]) -> None:
    demand, now = Demand(), 100.0
    for pause in pauses:
        now += pause
        demand = note(demand, Load(now))
    assert len(demand.samples) <= 120
    newest = demand.samples[-1].at
    assert newest == now
    assert newest - demand.samples[0].at <= LONG + 2 * COARSE
    if sum(pauses[1:]) > WINDOW + 1:
        since = before(demand.samples, WINDOW)
        assert since
        assert WINDOW - 0.1 <= newest - since.at <= WINDOW + 1.5


def test_a_load_that_has_ended_is_no_reason_to_start_servers() -> None:
    assert told((40.0, 25.0), (0.0, 3.5), service=0.5).places < 1.0
    assert told((40.0, 25.0), (30.0, 3.5), service=0.5).places > 15.0
