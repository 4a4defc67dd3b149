"""Messages reach the right person, and stay text."""

from django.test import TestCase
from django.urls import reverse

from people.models import Message
from schedule.tests.world import person

SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"


class Messages(TestCase):
    def setUp(self) -> None:
        self.anna, self.ben, self.eve = person("anna"), person("ben"), person("eve")
        self.client.force_login(self.anna)

    def test_markup_is_shown_as_text(self) -> None:
        sent = self.client.post(reverse("inbox"), {"recipient": "ben", "body": SCRIPT})
        self.assertRedirects(sent, "/messages/ben/")
        self.client.force_login(self.ben)
        for page in ("/messages/", "/messages/anna/"):
            response = self.client.get(page)
            self.assertContains(response, "&lt;script&gt;alert(1)")
            self.assertNotContains(response, "<script>alert")
            self.assertNotContains(response, "<img src=x")

    def test_nobody_reads_what_others_write(self) -> None:
        Message.objects.create(sender=self.anna, recipient=self.ben, body="only for ben")
        self.client.force_login(self.eve)
        for page in ("/messages/", "/messages/anna/", "/messages/ben/"):
            self.assertNotContains(self.client.get(page), "only for ben")

    def test_the_inbox_shows_the_last_of_each_conversation(self) -> None:
        for sender, recipient, body in (
            (self.anna, self.ben, "first"),
            (self.ben, self.anna, "second"),
            (self.eve, self.anna, "third"),
        ):
            Message.objects.create(sender=sender, recipient=recipient, body=body)
        bodies = [message.body for message in Message.objects.latest_of_each_conversation(self.anna)]
        self.assertEqual(bodies, ["third", "second"])
        with self.assertNumQueries(4):  # session, person, count, messages
            self.client.get("/messages/")

    def test_answering(self) -> None:
        self.assertRedirects(self.client.post("/messages/ben/", {"body": "hello"}), "/messages/ben/")
        self.assertEqual(Message.objects.get().recipient, self.ben)
        self.assertEqual(self.client.get("/messages/nobody/").status_code, 404)
        self.assertEqual(self.client.get("/messages/anna/").status_code, 404)
