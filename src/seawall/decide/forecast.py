"""What the same time of the week has asked for before: servers that start slowly are there before they are needed."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from seawall.model import Expected

SLOT = 900  # s: a day has 96 of them
DAY, WEEK = 86400 // SLOT, 7 * 86400 // SLOT
LEAD = 60.0  # s before a slot begins its servers are there, and as long as they take to start twice


@dataclass(frozen=True)
class Forecast:
    """The most places in servers that were in use at once, by slot of the week, averaged over the weeks."""

    since: float | None = None  # when it began to learn (s since 1970)
    slot: int = -1  # that is going on now
    most: float = 0.0  # so far in that slot
    week: Mapping[int, float] = field(default_factory=dict)


def learned(forecast: Forecast, time: float, second: int, places: float) -> Forecast:
    """With what is in use at `time` (s since 1970), which is `second` of the week on people's clock.

    `week` changes only when a slot is over.
    """
    slot = second // SLOT % WEEK
    since = time if forecast.since is None else min(forecast.since, time)
    if slot == forecast.slot:
        return replace(forecast, since=since, most=max(forecast.most, places))
    week = forecast.week
    if forecast.slot >= 0:
        before = week.get(forecast.slot, forecast.most)
        week = {**week, forecast.slot: (before + forecast.most) / 2}
    return Forecast(since, slot, places, week)


def expected(forecast: Forecast, time: float, second: int, start: float) -> Expected | None:
    """What is expected until servers that are asked for now would serve for a while; None where nothing is known.

    The same slot a week ago, else of the day before, or of the nearest day before that.
    """
    if forecast.since is None:
        return None
    ahead = int(second + LEAD + 2 * start)
    slots = {second // SLOT % WEEK, ahead // SLOT % WEEK}
    known = [places for slot in slots if (places := _before(forecast.week, slot)) is not None]
    return Expected(max(known), (time - forecast.since) / 86400) if known else None


def _before(week: Mapping[int, float], slot: int) -> float | None:
    for days in (0, *range(1, 7)):
        if (places := week.get((slot - days * DAY) % WEEK)) is not None:
            return places
    return None
