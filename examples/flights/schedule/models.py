"""Airports, the weekly timetable of flights between them, dated departures, and the seats booked on them."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from schedule import globe
from schedule.timetable import WEEK, minute_of_week, next_occurrence

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # without those that read alike


class Airport(models.Model):
    iata = models.CharField("code", max_length=3, primary_key=True)
    name = models.CharField(max_length=120)
    city = models.CharField(max_length=80, db_index=True)
    country = models.CharField(max_length=60)
    latitude = models.FloatField()
    longitude = models.FloatField()
    timezone = models.CharField(max_length=40)

    class Meta:
        ordering = ["city", "iata"]

    def __str__(self) -> str:
        return f"{self.city} ({self.iata})"

    def get_absolute_url(self) -> str:
        return reverse("airport", args=[self.iata])

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def map_x(self) -> float:
        return round(self.longitude + 180, 1)

    @property
    def map_y(self) -> float:
        return round(90 - self.latitude, 1)


class Airline(models.Model):
    code = models.CharField(max_length=2, primary_key=True)
    name = models.CharField(max_length=40)

    def __str__(self) -> str:
        return self.name


class FlightQuerySet(models.QuerySet["Flight"]):
    def complete(self) -> FlightQuerySet:
        """With everything a page says about a flight."""
        return self.select_related("airline", "origin", "destination")

    def leaving(self, start: datetime, end: datetime) -> FlightQuerySet:
        """Those that leave from `start` until before `end` (UTC, at most a week apart), in that order."""
        first, last = minute_of_week(start), minute_of_week(end)
        if first < last:
            return self.filter(minute__gte=first, minute__lt=last).order_by("minute", "pk")
        around_monday = self.filter(Q(minute__gte=first) | Q(minute__lt=last))
        return around_monday.order_by((F("minute") + (WEEK - first)) % WEEK, "pk")

    def board(self, now: datetime, rows: int) -> list[Departure]:
        """The next departures. Two index ranges at most: the rest of this week, then the beginning of the next."""
        minute = minute_of_week(now)
        flights = self.complete().order_by("minute", "pk")
        found = list(flights.filter(minute__gte=minute)[:rows])
        if len(found) < rows:
            found += flights.filter(minute__lt=minute)[: rows - len(found)]
        return [flight.departure(now) for flight in found]


class Flight(models.Model):
    """A line of the timetable: it leaves every week at the same minute, so there is always a next departure."""

    airline = models.ForeignKey(Airline, on_delete=models.PROTECT)
    number = models.PositiveSmallIntegerField()
    origin = models.ForeignKey(Airport, on_delete=models.PROTECT, related_name="outgoing", db_index=False)
    destination = models.ForeignKey(Airport, on_delete=models.PROTECT, related_name="incoming", db_index=False)
    domestic = models.BooleanField()
    minute = models.PositiveSmallIntegerField(help_text="Departure, in minutes since Monday 00:00 UTC.")
    duration = models.PositiveSmallIntegerField(help_text="Minutes.")
    seats = models.PositiveSmallIntegerField()
    price = models.PositiveIntegerField(help_text="Credits.")

    objects = FlightQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["minute"], name="flight_minute"),
            models.Index(fields=["origin", "destination", "minute"], name="flight_route_minute"),
            models.Index(fields=["origin", "minute"], name="flight_origin_minute"),
            models.Index(fields=["destination", "minute"], name="flight_destination_minute"),
            models.Index(fields=["domestic", "minute"], name="flight_domestic_minute"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["airline", "number", "minute"], name="flight_once_a_minute"),
            models.CheckConstraint(condition=Q(minute__lt=WEEK), name="flight_minute_in_week"),
        ]

    def __str__(self) -> str:
        return self.code

    def get_absolute_url(self) -> str:
        return reverse("flight", args=[self.pk])

    @property
    def code(self) -> str:
        return f"{self.airline_id} {self.number}"

    @property
    def distance(self) -> float:
        """km."""
        return globe.distance(*self._ends())

    @property
    def map_path(self) -> str:
        return globe.route(*self._ends())

    @property
    def flying_time(self) -> str:
        return f"{self.duration // 60} h {self.duration % 60:02} min"

    def departure(self, after: datetime) -> Departure:
        """The next departure from `after` on (UTC), not yet in the database."""
        return Departure(flight=self, departs_at=next_occurrence(self.minute, after), seats_left=self.seats)

    def _ends(self) -> tuple[float, float, float, float]:
        origin, destination = self.origin, self.destination
        return origin.latitude, origin.longitude, destination.latitude, destination.longitude


class Departure(models.Model):
    """A flight on one day. It is written when its first seat is booked; until then it is only computed."""

    flight = models.ForeignKey(Flight, on_delete=models.PROTECT, related_name="departures")
    departs_at = models.DateTimeField()
    seats_left = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["flight", "departs_at"], name="departure_once"),
            models.CheckConstraint(condition=Q(seats_left__gte=0), name="departure_not_oversold"),
        ]

    def __str__(self) -> str:
        return f"{self.flight} on {self.departs_at:%d %B %Y}"

    @property
    def date(self) -> str:
        """The day it leaves, UTC, as addresses and forms say it."""
        return self.departs_at.astimezone(UTC).date().isoformat()

    @property
    def arrives_at(self) -> datetime:
        return self.departs_at + timedelta(minutes=self.flight.duration)

    @property
    def departs_local(self) -> datetime:
        """What the clock at the origin says, without a zone: templates convert everything that has one."""
        return self.departs_at.astimezone(self.flight.origin.zone).replace(tzinfo=None)

    @property
    def arrives_local(self) -> datetime:
        return self.arrives_at.astimezone(self.flight.destination.zone).replace(tzinfo=None)

    @property
    def minutes_left(self) -> int:
        return int((self.departs_at - timezone.now()).total_seconds() // 60)

    @property
    def status(self) -> str:
        minutes = self.minutes_left
        for limit, word in ((-1, "Departed"), (1, "Departing"), (3, "Final call"), (45, "Boarding")):
            if minutes < limit:
                return word
        return "On time"


def new_reference() -> str:
    """A booking reference that cannot be guessed from another one."""
    return "".join(secrets.choice(LETTERS) for _ in range(8))


class Booking(models.Model):
    """One seat for one person."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="bookings")
    departure = models.ForeignKey(Departure, on_delete=models.PROTECT, related_name="bookings")
    reference = models.CharField(max_length=8, unique=True, default=new_reference, editable=False)
    price = models.PositiveIntegerField(help_text="Credits paid.")
    booked_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "departure"], name="booking_one_seat_each")]

    def __str__(self) -> str:
        return self.reference
