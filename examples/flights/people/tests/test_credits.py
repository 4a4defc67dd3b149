"""Credits are never lost, doubled or negative."""

from uuid import uuid4

from django.db import IntegrityError
from django.test import TestCase, TransactionTestCase
from django.urls import reverse

from people import credits
from people.models import Person, Transfer
from schedule.tests.race import at_once
from schedule.tests.world import person


def balances() -> dict[str, int]:
    return dict(Person.objects.values_list("username", "credits"))


class Races(TransactionTestCase):
    def test_nobody_spends_more_than_they_have(self) -> None:
        anna, ben = person("anna", 200), person("ben", 0)

        def send(_: int) -> int:
            sent = 0
            try:
                for _ in range(5):
                    credits.send(anna, ben, 10, uuid4())
                    sent += 1
            except credits.NotEnough:
                pass
            return sent

        self.assertEqual(sum(at_once(8, send)), 20)
        self.assertEqual(balances(), {"anna": 0, "ben": 200})

    def test_one_key_is_executed_once(self) -> None:
        anna, ben, key = person("anna", 200), person("ben", 0), uuid4()
        results = at_once(6, lambda _: credits.send(anna, ben, 70, key)[1])
        self.assertEqual(sorted(results), [False] * 5 + [True])
        self.assertEqual(balances(), {"anna": 130, "ben": 70})

    def test_sending_to_each_other_does_not_deadlock(self) -> None:
        anna, ben = person("anna", 100), person("ben", 100)
        pairs = ((anna, ben), (ben, anna))
        at_once(8, lambda number: credits.send(*pairs[number % 2], 10, uuid4()))
        self.assertEqual(balances(), {"anna": 100, "ben": 100})


class Site(TestCase):
    def setUp(self) -> None:
        self.anna, self.ben = person("anna", 200), person("ben", 0)
        self.client.force_login(self.anna)

    def send(self, **changes: object) -> str:
        data = {"recipient": "ben", "amount": 50, "key": uuid4()} | changes
        return self.client.post(reverse("send_credits"), data, follow=True).content.decode()

    def test_a_form_sent_twice_moves_credits_once(self) -> None:
        key = uuid4()
        for _ in range(2):
            self.assertIn("50 credits sent to ben.", self.send(key=key))
        self.assertEqual(balances(), {"anna": 150, "ben": 50})
        self.assertIn("Nothing was sent this time", self.send(key=key, amount=60))

    def test_what_is_refused(self) -> None:
        self.assertIn("You do not have that many", self.send(amount=201))
        self.assertIn("That is you", self.send(recipient="anna"))
        self.assertIn("Nobody has this", self.send(recipient="nobody"))
        self.assertIn("greater than or equal to 1", self.send(amount=-5))
        self.assertEqual(balances(), {"anna": 200, "ben": 0})
        self.assertFalse(Transfer.objects.exists())

    def test_the_database_refuses_sending_to_oneself(self) -> None:
        with self.assertRaises(IntegrityError):
            Transfer.objects.create(sender=self.anna, recipient=self.anna, amount=1)
