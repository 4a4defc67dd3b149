"""The board, search, pages and the JSON API."""

from datetime import UTC, datetime, timedelta

from django.db import connection
from django.test import SimpleTestCase, TestCase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from schedule.globe import distance, route
from schedule.models import Flight
from schedule.tests import world
from schedule.timetable import WEEK, minute_of_week, next_occurrence

SUNDAY_NIGHT = datetime(2026, 11, 29, 23, 30, tzinfo=UTC)


class Timetable(SimpleTestCase):
    def test_every_minute_comes_within_a_week(self) -> None:
        for minute in (0, 1, WEEK // 2, WEEK - 30, WEEK - 1):
            moment = next_occurrence(minute, SUNDAY_NIGHT)
            self.assertEqual(minute_of_week(moment), minute)
            self.assertLess(moment - SUNDAY_NIGHT, timedelta(weeks=1))

    def test_globe(self) -> None:
        self.assertAlmostEqual(distance(51.47, -0.45, 40.64, -73.78), 5540, delta=15)  # LHR to JFK
        self.assertEqual(route(35.8, 140.4, 37.6, -122.4).count("M"), 2)  # across the date line


class Pages(TestCase):
    def setUp(self) -> None:
        self.now = timezone.now()
        paris = world.airport("CDG", "Paris", "France", "Europe/Paris")
        hours = range(1, 20)
        self.flights = [world.flight(self.now + timedelta(hours=hour), number=hour) for hour in hours]
        changes = {"destination": paris, "domestic": False}
        self.abroad = world.flight(self.now + timedelta(hours=2), number=99, **changes)

    def get(self, address: str) -> str:
        response = self.client.get(address)
        self.assertEqual(response.status_code, 200)
        return response.content.decode()

    def test_the_front_page_is_one_query_or_two(self) -> None:
        with CaptureQueriesContext(connection) as queries:
            page = self.get("/")
        self.assertLessEqual(len(queries), 2)  # two when the week is about to end
        self.assertEqual(page.count('class="code"'), 18)

    def test_the_board_goes_on_next_week(self) -> None:
        Flight.objects.all().delete()
        for number, minutes in enumerate((10, 40, -60)):
            world.flight(SUNDAY_NIGHT + timedelta(minutes=minutes), number=number)
        times = [departure.departs_at - SUNDAY_NIGHT for departure in Flight.objects.board(SUNDAY_NIGHT, 3)]
        self.assertEqual(times, [timedelta(minutes=10), timedelta(minutes=40), timedelta(minutes=WEEK - 60)])

    def test_search(self) -> None:
        self.assertIn("<b>20</b> flights", self.get("/search/"))
        self.assertIn("<b>1</b> flight ", self.get("/search/?origin=london&destination=CDG"))
        self.assertIn("<b>1</b> flight ", self.get("/search/?kind=international"))
        self.assertIn("No such airport", self.get("/search/?origin=atlantis"))
        self.assertIn("Choose a day", self.get("/search/?date=1999-01-01"))
        self.assertIn("<b>0</b> flights", self.get("/search/?origin=CDG"))

    def test_search_by_day_is_the_day_at_the_origin(self) -> None:
        Flight.objects.all().delete()
        tokyo = world.airport("HND", "Tokyo", "Japan", "Asia/Tokyo")
        day = (self.now + timedelta(days=2)).date()
        leaves = datetime.combine(day, datetime.min.time(), tzinfo=UTC) + timedelta(
            hours=20
        )  # 05:00 the next day there
        world.flight(leaves, origin=tokyo)
        self.assertIn("<b>0</b> flights", self.get(f"/search/?origin=HND&date={day}"))
        self.assertIn("<b>1</b> flight", self.get(f"/search/?origin=HND&date={day + timedelta(days=1)}"))

    def test_flight_and_airport(self) -> None:
        self.assertIn("Edinburgh", self.get(self.flights[0].get_absolute_url()))
        self.assertIn("London Airport", self.get("/airports/LHR/"))
        self.assertEqual(self.client.get("/airports/XXX/").status_code, 404)
        self.assertEqual(self.client.get("/flights/999999/").status_code, 404)

    def test_api(self) -> None:
        self.assertEqual(len(self.client.get("/api/airports").json()["airports"]), 3)
        with CaptureQueriesContext(connection) as queries:
            board = self.client.get("/api/departures?airport=lhr").json()["departures"]
        self.assertLessEqual(len(queries), 4)
        self.assertEqual([board[0]["code"], board[0]["seats_left"]], ["MQ 1", 2])
        self.assertEqual(self.client.get(f"/api/flights/{self.abroad.pk}").json()["destination"], "CDG")
        for address in ("/api/departures?airport=XXX", "/api/flights/999999"):
            self.assertEqual(self.client.get(address).status_code, 404)
        self.assertEqual(self.client.post("/api/airports").status_code, 405)

    def test_headers(self) -> None:
        headers = self.client.get(reverse("departures")).headers
        self.assertIn("default-src 'self'", headers["Content-Security-Policy"])
        self.assertEqual(headers["X-Frame-Options"], "DENY")
