"""What the site is asked for by day and week, on disk."""

import json
from pathlib import Path

import pytest

from seawall.control.habits import Habits, read, second_of_week
from seawall.control.troubles import Troubles
from seawall.decide.forecast import Forecast
from seawall.model import Event

MONDAY = 1_800_000_000.0


class Kept:
    def __init__(self, path: Path) -> None:
        self.path, self.now, self.told = path, MONDAY, list[Event]()
        self.habits = Habits(path, Troubles(self.told.append), lambda: self.now)

    def live(self, seconds: int, places: float = 5.0) -> None:
        for _ in range(0, seconds, 60):
            self.now += 60
            self.habits.learn(places)


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path / "forecast.json")


def test_it_outlives_the_control_plane(kept: Kept) -> None:
    kept.live(86400 + 1800)
    other = Habits(kept.path, Troubles(kept.told.append), lambda: kept.now)
    expected = other.expected(4.0)
    assert expected
    assert (expected.places, expected.days) == (5.0, pytest.approx(1.02, abs=0.02))
    assert kept.told == []


def test_it_is_written_when_a_quarter_of_an_hour_is_over(kept: Kept) -> None:
    written = 0
    for _ in range(120):
        before = kept.path.stat().st_mtime_ns if kept.path.exists() else 0
        kept.live(60)
        written += kept.path.exists() and kept.path.stat().st_mtime_ns != before
    assert written == 8


def test_a_disk_that_is_full_is_told_and_costs_nothing_else(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "missing" / "forecast.json")
    kept.live(3600)
    assert {event.subject for event in kept.told} == {"forecast"}
    assert kept.habits.forecast.week


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"version": 2, "since": 1, "week": {}}',
        '{"version": 1, "since": "x", "week": {}}',
        '{"version": 1, "since": 1, "week": []}',
        "[" * 100_000,
        "9" * 5000,
        '{"version": 1, "since": ' + "9" * 5000 + ', "week": {}}',
    ],
)
def test_what_makes_no_sense_is_learned_anew_and_told_once(kept: Kept, text: str) -> None:
    kept.path.write_text(text)
    habits = Habits(kept.path, Troubles(kept.told.append))
    assert habits.forecast == Forecast()
    [event] = kept.told
    assert (event.kind, event.subject) == ("trouble", "forecast")
    assert str(kept.path) in event.text
    assert "learned anew" in event.text


def test_that_there_is_none_is_no_trouble(kept: Kept) -> None:
    assert (read(kept.path), kept.told) == ((Forecast(), ""), [])


def test_of_a_file_that_somebody_wrote_only_numbers_count(tmp_path: Path) -> None:
    path = tmp_path / "forecast.json"
    week = {"5": 2.5, "x": 1, "9999": 1, "7": "many", "8": -1, "9": 1e300, "10": True, "1" * 5000: 1, "²": 1, "-1": 1}
    path.write_text(json.dumps({"version": 1, "since": 1.0, "week": week}))
    assert read(path) == (Forecast(1.0, week={5: 2.5}), "")


def test_the_week_goes_round() -> None:
    assert 0 <= second_of_week(MONDAY) < 7 * 86400
    assert second_of_week(MONDAY + 7 * 86400) == second_of_week(MONDAY)
    assert (second_of_week(MONDAY + 3600) - second_of_week(MONDAY)) % (7 * 86400) == 3600
