"""Seats, credits and bookings agree whatever happens at the same moment."""

from datetime import timedelta

from django.db import IntegrityError, transaction
from django.test import TestCase, TransactionTestCase
from django.urls import reverse
from django.utils import timezone

from people import credits
from people.models import Person
from schedule import booking
from schedule.models import Booking, Departure
from schedule.tests import world
from schedule.tests.race import at_once


class Races(TransactionTestCase):
    def setUp(self) -> None:
        self.now = timezone.now()
        self.flight = world.flight(self.now + timedelta(hours=3))
        self.departs_at = self.flight.departure(self.now).departs_at

    def book(self, person: Person) -> tuple[Booking, bool]:
        return booking.book(person, self.flight, self.departs_at, self.now)

    def test_seats_are_never_oversold(self) -> None:
        people = [world.person(f"p{number}") for number in range(6)]
        results = at_once(6, lambda number: self.book(people[number]))
        self.assertEqual(sum(isinstance(result, booking.SoldOut) for result in results), 4, results)
        self.assertEqual(Booking.objects.count(), 2)
        self.assertEqual(Departure.objects.get().seats_left, 0)
        self.assertEqual(sum(Person.objects.values_list("credits", flat=True)), 6000 - 200)

    def test_a_double_click_books_once(self) -> None:
        anna = world.person("anna")
        results = at_once(4, lambda _: self.book(anna))
        self.assertEqual(sorted(new for _, new in results), [False, False, False, True])
        self.assertEqual(Departure.objects.get().seats_left, 1)
        self.assertEqual(Person.objects.get().credits, 900)

    def test_two_cancellations_refund_once(self) -> None:
        seat, _ = self.book(world.person("anna"))
        at_once(3, lambda _: booking.cancel(seat, self.now))
        self.assertEqual(Departure.objects.get().seats_left, 2)
        self.assertEqual(Person.objects.get().credits, 1000)


class Rules(TestCase):
    def setUp(self) -> None:
        self.now = timezone.now()
        self.flight = world.flight(self.now + timedelta(hours=3))
        self.departure = self.flight.departure(self.now)
        self.anna = world.person("anna")
        self.client.force_login(self.anna)

    def post(self, date: str) -> str:
        response = self.client.post(reverse("book", args=[self.flight.pk]), {"date": date}, follow=True)
        return response.content.decode()

    def test_booking_on_the_site(self) -> None:
        self.assertIn("Your seat is booked.", self.post(self.departure.date))
        self.assertIn("You already have a seat", self.post(self.departure.date))
        self.assertEqual(Booking.objects.count(), 1)

    def test_who_cannot_pay_takes_no_seat(self) -> None:
        Person.objects.update(credits=99)
        self.assertIn("not have enough credits", self.post(self.departure.date))
        self.assertEqual((Booking.objects.count(), Departure.objects.count()), (0, 0))

    def test_the_past_cannot_be_booked(self) -> None:
        last_week = (self.departure.departs_at - timedelta(weeks=1)).date().isoformat()
        self.assertIn("already left", self.post(last_week))
        with self.assertRaises(booking.Gone):
            booking.book(self.anna, self.flight, self.departure.departs_at + timedelta(minutes=1), self.now)

    def test_only_post_and_only_logged_in(self) -> None:
        address = reverse("book", args=[self.flight.pk])
        self.assertEqual(self.client.get(address).status_code, 405)
        self.client.logout()
        self.assertRedirects(self.client.post(address), f"{reverse('login')}?next={address}")

    def test_nobody_cancels_another_ones_seat(self) -> None:
        seat, _ = booking.book(self.anna, self.flight, self.departure.departs_at, self.now)
        self.client.force_login(world.person("ben"))
        self.assertEqual(self.client.post(reverse("cancel", args=[seat.reference])).status_code, 404)
        self.client.force_login(self.anna)
        self.assertRedirects(self.client.post(reverse("cancel", args=[seat.reference])), reverse("bookings"))
        self.assertFalse(Booking.objects.exists())

    def test_the_database_refuses_debt(self) -> None:
        with self.assertRaises(IntegrityError), transaction.atomic():
            Person.objects.update(credits=-1)
        with self.assertRaises(credits.NotEnough):
            credits.charge(self.anna, 1001)
