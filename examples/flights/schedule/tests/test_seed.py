"""manage.py seed."""

from io import StringIO

from django.core.management import call_command
from django.test import SimpleTestCase, TestCase

from people.models import Message, Person
from schedule.management.commands.seed import FLIGHTS
from schedule.models import Airport, Booking, Flight
from schedule.seeding.airports import places
from schedule.seeding.flights import timetable


class Seed(TestCase):
    def test_running_it_again_changes_nothing(self) -> None:
        counts = []
        for _ in range(2):
            call_command("seed", flights=2500, stdout=StringIO())
            tables = (Airport, Flight, Person, Message, Booking)
            counts.append([table.objects.count() for table in tables])
        self.assertEqual(counts[0], counts[1])
        self.assertEqual(counts[0][:3], [600, 2500, 5])
        self.assertTrue(self.client.login(username="anna@example.org", password="departures-board"))


class World(SimpleTestCase):
    def test_every_airport_has_departures_and_arrivals(self) -> None:
        lines = timetable(FLIGHTS)
        everywhere = {place.iata for place in places()}
        self.assertEqual(len(lines), FLIGHTS)
        self.assertEqual({line.origin for line in lines}, everywhere)
        self.assertEqual({line.destination for line in lines}, everywhere)
        self.assertEqual(len({(line.airline, line.number, line.minute) for line in lines}), FLIGHTS)
