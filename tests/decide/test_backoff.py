"""How long to wait before trying again."""

from hypothesis import given
from hypothesis import strategies as st

from seawall.decide.backoff import LONGEST, pause


def test_the_first_deaths_are_answered_at_once_then_pauses_double() -> None:
    assert [pause(deaths) for deaths in range(10)] == [0, 0, 0, 0.5, 1, 2, 4, 8, 16, 30]


@given(st.integers(0, 10**9))
def test_pauses_never_shrink_and_have_an_end(deaths: int) -> None:
    assert 0 <= pause(deaths) <= pause(deaths + 1) <= LONGEST
