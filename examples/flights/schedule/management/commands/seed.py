"""manage.py seed: fills the database with airports, flights and a few people to try the site as."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import transaction

from schedule.models import Airline, Airport, Flight
from schedule.seeding import people
from schedule.seeding.airports import Place, places
from schedule.seeding.flights import AIRLINES, timetable

FLIGHTS = 20_000
BATCH = 2_000  # rows a statement


class Command(BaseCommand):
    help = "Creates the tables if need be and fills them. Safe to run again: it adds what is missing, changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--flights", type=int, default=FLIGHTS, help=f"lines of the weekly timetable [{FLIGHTS}]")
        parser.add_argument("--no-people", action="store_true", help="leave out the demonstration accounts")

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", verbosity=0)
        with transaction.atomic():
            _airports()
            _flights(options["flights"])
            if not options["no_people"]:
                people.create()
        self.stdout.write(f"{Airport.objects.count()} airports, {Flight.objects.count()} flights a week")


def _airports() -> None:
    Airport.objects.bulk_create([_airport(place) for place in places()], batch_size=BATCH, ignore_conflicts=True)


def _airport(place: Place) -> Airport:
    return Airport(
        iata=place.iata,
        name=place.name,
        city=place.city,
        country=place.country,
        latitude=place.latitude,
        longitude=place.longitude,
        timezone=place.timezone,
    )


def _flights(count: int) -> None:
    airlines = [Airline(code=code, name=name) for code, name in AIRLINES.items()]
    Airline.objects.bulk_create(airlines, ignore_conflicts=True)
    flights = [
        Flight(
            pk=key,
            airline_id=line.airline,
            number=line.number,
            origin_id=line.origin,
            destination_id=line.destination,
            domestic=line.domestic,
            minute=line.minute,
            duration=line.duration,
            seats=line.seats,
            price=line.price,
        )
        for key, line in enumerate(timetable(count), start=1)
    ]
    # The primary key is part of the deterministic world, so a second run meets its own rows and passes them by.
    Flight.objects.bulk_create(flights, batch_size=BATCH, ignore_conflicts=True)
