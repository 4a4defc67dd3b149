"""Booking and giving back a seat: each is one transaction that leaves seats, credits and bookings in agreement."""

from datetime import datetime

from django.db import transaction
from django.db.models import F

from people import credits
from people.models import Person
from schedule.models import Booking, Departure, Flight


class SoldOut(Exception):
    """No seat is left on this departure."""


class Gone(Exception):
    """This departure has already left, or there is none at that time."""


@transaction.atomic
def book(person: Person, flight: Flight, departs_at: datetime, now: datetime) -> tuple[Booking, bool]:
    """A seat for `person`, paid in credits; with False if they had one already, which costs nothing more.

    Raises SoldOut, Gone or credits.NotEnough, and then nothing has changed.
    """
    if departs_at <= now or flight.departure(departs_at).departs_at != departs_at:
        raise Gone
    departure, _ = Departure.objects.get_or_create(
        flight=flight, departs_at=departs_at, defaults={"seats_left": flight.seats}
    )
    booking, new = Booking.objects.get_or_create(person=person, departure=departure, defaults={"price": flight.price})
    if new:
        _take_seat(departure)
        credits.charge(person, flight.price)
    return booking, new


def _take_seat(departure: Departure) -> None:
    # The condition and the change are one statement: two buyers of the last seat cannot both succeed.
    if not Departure.objects.filter(pk=departure.pk, seats_left__gt=0).update(seats_left=F("seats_left") - 1):
        raise SoldOut


@transaction.atomic
def cancel(booking: Booking, now: datetime) -> None:
    """Give the seat back and refund its price. Raises Gone after departure; a second call changes nothing."""
    if booking.departure.departs_at <= now:
        raise Gone
    deleted, _ = Booking.objects.filter(pk=booking.pk).delete()
    if deleted:
        Departure.objects.filter(pk=booking.departure_id).update(seats_left=F("seats_left") + 1)
        credits.grant(booking.person, booking.price)
