"""Keeps what the site is asked for by day and week, in a file that outlives the site's end.

`version` says how it is to be read; what another version wrote, or somebody else, is told once and learned anew.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeGuard

from seawall import files
from seawall.control.troubles import Troubles
from seawall.decide.forecast import WEEK, Forecast, expected, learned
from seawall.model import Expected

VERSION = 1
LARGEST = 100_000  # bytes
MOST = 1e6  # places: nobody has more


class Habits:
    """`clock` gives s since 1970."""

    def __init__(self, path: Path, troubles: Troubles, clock: Callable[[], float] = time.time) -> None:
        self._path, self._troubles, self._clock = path, troubles, clock
        self.forecast, wrong = read(path)
        if wrong:
            troubles.note("forecast", f"{path} {wrong}: what the site is asked for by day and week is learned anew")

    def learn(self, places: float) -> None:
        """Note how many places are in use. The file is written when a quarter of an hour is over."""
        now = self._clock()
        before, self.forecast = self.forecast, learned(self.forecast, now, second_of_week(now), places)
        if self.forecast.week is not before.week:
            self._write()

    def expected(self, start: float) -> Expected | None:
        """What is expected until servers that take `start` s would serve."""
        now = self._clock()
        return expected(self.forecast, now, second_of_week(now), start)

    def _write(self) -> None:
        week = {str(slot): round(places, 2) for slot, places in sorted(self.forecast.week.items())}
        content = json.dumps({"version": VERSION, "since": self.forecast.since, "week": week}).encode()
        try:
            files.replace(self._path, content)
        except OSError as error:
            self._troubles.note("forecast", f"{self._path} cannot be written: {error.strerror}.")
        else:
            self._troubles.over("forecast")


def second_of_week(now: float) -> int:
    """Since Monday 0:00, on the clock that people here go by."""
    local = time.localtime(now)
    return ((local.tm_wday * 24 + local.tm_hour) * 60 + local.tm_min) * 60 + local.tm_sec


def read(path: Path) -> tuple[Forecast, str]:
    """What was learned before, and why it is nothing where there is a file all the same."""
    try:
        found = json.loads("".join(files.lines(path, LARGEST, LARGEST)))
    except FileNotFoundError:
        return Forecast(), ""
    except OSError as error:
        return Forecast(), f"cannot be read, {error.strerror}"
    except (ValueError, RecursionError):
        return Forecast(), "is damaged"
    if not isinstance(found, dict):
        return Forecast(), "is damaged"
    if found.get("version") != VERSION:
        return Forecast(), "is of another version of Seawall"
    since, week = found.get("since"), found.get("week")
    if not _number(since, 1e12) or not isinstance(week, dict):
        return Forecast(), "is damaged"
    known = {slot: week.get(str(slot)) for slot in range(WEEK)}
    return Forecast(since, week={slot: float(places) for slot, places in known.items() if _number(places, MOST)}), ""


def _number(value: Any, most: float) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most
