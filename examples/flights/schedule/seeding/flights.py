"""Invents a weekly timetable between the chosen airports: hubs fly often, small places now and then."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

from schedule.globe import distance
from schedule.seeding.airports import Place, places
from schedule.timetable import WEEK

SEED = 1903  # the year of the first powered flight; any number would do
DAY = 24 * 60  # minutes
SHORTEST, LONGEST = 120, 14_500  # km
SPEED = 13.6  # km a minute in cruise, about 815 km/h
ON_THE_GROUND = 32  # minutes of taxiing, climbing and landing that distance does not explain
DOMESTIC_SHARE = 0.35
DAYS_A_WEEK = {1: (1, 2, 3), 8: (3, 5, 7), 30: (5, 7)}  # by the weight of the smaller airport
# Seats of a usual aircraft for a distance up to so many km.
AIRCRAFT = ((450, 72), (1200, 120), (3800, 180), (7000, 264), (LONGEST, 330))
AIRLINES = {
    "MQ": "Meridian Air",
    "NJ": "Northwind",
    "PV": "Pelican Airways",
    "QX": "Quayside",
    "TB": "Tern & Bay",
    "WJ": "Wayfarer",
    "XV": "Cormorant",
    "YB": "Halcyon Air",
    "ZR": "Zephyr",
    "KX": "Kestrel",
    "JB": "Juniper Jet",
    "HX": "Harbour Line",
}


@dataclass(frozen=True)
class Line:
    """One row of the timetable, before it has a database."""

    airline: str
    number: int
    origin: str
    destination: str
    domestic: bool
    minute: int
    duration: int  # minutes
    seats: int
    price: int  # credits


def timetable(count: int) -> list[Line]:
    """`count` lines, always the same for the same count."""
    chance = random.Random(SEED)
    lines: list[Line] = []
    for number, (origin, destination) in enumerate(_routes(chance)):
        lines += _both_ways(chance, number, origin, destination)
        if len(lines) >= count:
            return lines[:count]
    return lines


def _routes(chance: random.Random) -> Iterator[tuple[Place, Place]]:
    """First one route from every airport, so that none is cut off, then routes by weight, for ever."""
    draw = _Draw(chance)
    for place in places():
        yield place, draw.partner(place)
    while True:
        origin = draw.anywhere()
        yield origin, draw.partner(origin)


class _Draw:
    """Airports drawn by weight: from the whole world or from one country."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.world = _weighted(places())
        by_country: dict[str, list[Place]] = {}
        for place in places():
            by_country.setdefault(place.country_code, []).append(place)
        self.countries = {code: _weighted(tuple(group)) for code, group in by_country.items()}

    def anywhere(self) -> Place:
        group, weights = self.world
        return self.chance.choices(group, cum_weights=weights)[0]

    def partner(self, origin: Place) -> Place:
        """Somewhere to fly from `origin`; nearer places are likelier."""
        home, weights = self.countries[origin.country_code]
        for attempt in range(60):
            domestic = len(home) > 1 and attempt < 20 and self.chance.random() < DOMESTIC_SHARE
            other = self.chance.choices(home, cum_weights=weights)[0] if domestic else self.anywhere()
            length = _length(origin, other)
            if SHORTEST <= length <= LONGEST and self.chance.random() < _appeal(length, origin, other):
                return other
        return min(places(), key=lambda place: abs(_length(origin, place) - 1000))


def _weighted(group: tuple[Place, ...]) -> tuple[tuple[Place, ...], list[int]]:
    return group, list(accumulate(place.weight for place in group))


def _length(origin: Place, destination: Place) -> float:
    return distance(origin.latitude, origin.longitude, destination.latitude, destination.longitude)


def _appeal(length: float, origin: Place, other: Place) -> float:
    """How likely a drawn route is kept: small airports fly to near ones, large ones also far."""
    reach = 800 * min(origin.weight, other.weight)
    return min(1.0, max(0.02, reach / length))


def _both_ways(chance: random.Random, number: int, origin: Place, destination: Place) -> Iterator[Line]:
    length = _length(origin, destination)
    duration = 5 * round((ON_THE_GROUND + length / SPEED) / 5)
    seats = next(seats for limit, seats in AIRCRAFT if length <= limit)
    price = round((28 + 0.72 * length**0.78) * chance.uniform(0.8, 1.3))
    airline = list(AIRLINES)[number % len(AIRLINES)]
    code = 100 + number // len(AIRLINES) * 2
    days = sorted(chance.sample(range(7), chance.choice(DAYS_A_WEEK[min(origin.weight, destination.weight)])))
    start = chance.randrange(DAY)
    back = start + duration + 5 * chance.randint(9, 24)
    for offset, (one, other, time) in enumerate(((origin, destination, start), (destination, origin, back))):
        for day in days:
            minute = (day * DAY + time) % WEEK
            domestic = one.country_code == other.country_code
            yield Line(airline, code + offset, one.iata, other.iata, domestic, minute, duration, seats, price)
