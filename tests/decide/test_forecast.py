"""The forecast by day and week."""

from seawall.decide.forecast import DAY, SLOT, WEEK, Forecast, expected, learned

NINE = 9 * 3600  # on a Monday
START = 1_800_000_000.0


def lived(days: int, places: float = 10.0) -> tuple[Forecast, float, int]:
    """A site that is used at nine o'clock, every day, for so many days from a Monday on."""
    forecast, second = Forecast(), 0
    for second in range(0, days * 86400, 300):
        busy = NINE <= second % 86400 < NINE + 3600
        forecast = learned(forecast, START + second, second % (WEEK * SLOT), places if busy else 1.0)
    return forecast, START + second, second


def at(forecast: Forecast, day: int, second: int, start: float = 4.0) -> float:
    found = expected(forecast, START + day * 86400 + second, day * 86400 + second, start)
    assert found
    return found.places


def test_nothing_is_expected_before_anything_was_learned() -> None:
    assert expected(Forecast(), START, 0, 4.0) is None
    assert expected(learned(Forecast(), START, 0, 5.0), START, 0, 4.0) is None


def test_the_day_before_is_what_is_expected() -> None:
    forecast, _, _ = lived(1)
    assert at(forecast, 1, NINE + 60) == 10.0
    assert at(forecast, 1, NINE - 3600) == 1.0


def test_servers_are_there_before_they_are_needed() -> None:
    forecast, _, _ = lived(1)
    assert at(forecast, 1, NINE - 65) == 10.0
    assert at(forecast, 1, NINE - 75) == 1.0
    assert at(forecast, 1, NINE - 75, start=10.0) == 10.0


def test_the_week_before_counts_more_than_the_day_before() -> None:
    forecast, _, _ = lived(7)
    quiet = {**forecast.week, NINE // SLOT: 2.0}
    forecast = Forecast(forecast.since, forecast.slot, 0.0, quiet)
    assert at(forecast, 7, NINE + 60) == 2.0
    assert at(forecast, 8, NINE + 60) == 10.0


def test_how_long_it_has_learned_is_told() -> None:
    forecast, now, second = lived(2)
    found = expected(forecast, now, second, 1.0)
    assert found
    assert 1.9 < found.days < 2.1


def test_it_is_a_table_of_one_week_that_changes_when_a_slot_is_over() -> None:
    forecast, now, second = lived(9)
    assert len(forecast.week) == WEEK == 7 * DAY
    assert learned(forecast, now + 1, second + 1, 3.0).week is forecast.week
