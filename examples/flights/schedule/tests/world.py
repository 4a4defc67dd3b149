"""A small world for tests: three airports, flights between them, people with credits."""

from datetime import datetime

from people.models import Person
from schedule.models import Airline, Airport, Flight
from schedule.timetable import WEEK, minute_of_week

HOUR = 60  # minutes


def airport(iata: str, city: str, country: str = "United Kingdom", zone: str = "Europe/London") -> Airport:
    place = {"latitude": 51.5, "longitude": -0.1, "timezone": zone, "country": country, "name": f"{city} Airport"}
    return Airport.objects.get_or_create(iata=iata, defaults={"city": city, **place})[0]


def flight(leaves: datetime, number: int = 1, **changes: object) -> Flight:
    """A flight that leaves every week at the minute of `leaves`."""
    airline, _ = Airline.objects.get_or_create(code="MQ", defaults={"name": "Meridian Air"})
    values = {
        "origin": airport("LHR", "London"),
        "destination": airport("EDI", "Edinburgh"),
        "domestic": True,
        "duration": 80,
        "seats": 2,
        "price": 100,
    }
    minute = minute_of_week(leaves) % WEEK
    return Flight.objects.create(airline=airline, number=number, minute=minute, **(values | changes))


def person(name: str, credits: int = 1000) -> Person:
    return Person.objects.create_user(name, f"{name}@example.org", credits=credits)
