"""Signing up, logging in and resetting a password, without telling who has an account."""

import re
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from django.core import mail as sent
from django.test import Client, SimpleTestCase, TransactionTestCase, override_settings
from django.urls import reverse

from flights.secret_key import secret_key
from people import mail, signup
from people.models import Person

HASHER = override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"])  # fast, for tests only
PASSWORD = "a-long-enough-secret"


@HASHER
class Accounts(TransactionTestCase):  # mail is written by another thread, which sees only what is committed
    def setUp(self) -> None:
        Person.objects.create_user("anna", "Anna@Example.org", PASSWORD)

    def mail_after(self, page: str, email: str) -> tuple[str, list[str]]:
        """The answer's body, and the mails that came of it."""
        sent.outbox.clear()
        response = self.client.post(reverse(page), {"email": email}, follow=True)
        mail.wait()
        return response.content.decode(), [message.body for message in sent.outbox]

    def link_in(self, body: str) -> str:
        return re.search(r"http://testserver(\S+)", body)[1]

    def test_reset_by_mail(self) -> None:
        known, mails = self.mail_after("password_reset", "anna@example.org")
        unknown, none = self.mail_after("password_reset", "nobody@example.org")
        self.assertEqual((known, none), (unknown, []))
        page = self.client.get(self.link_in(mails[0]), follow=True)
        data = {"new_password1": "another-long-secret", "new_password2": "another-long-secret"}
        self.client.post(page.redirect_chain[-1][0], data)
        self.assertTrue(self.client.login(username="anna@example.org", password="another-long-secret"))
        self.assertContains(self.client.get(self.link_in(mails[0]), follow=True), "has been used or is too old")

    def test_sign_up_by_mail(self) -> None:
        known, reminder = self.mail_after("sign_up", "ANNA@example.org")
        unknown, mails = self.mail_after("sign_up", "ben@example.org")
        self.assertEqual(known, unknown)
        self.assertIn("You have one already", reminder[0])
        link = self.link_in(mails[0])
        data = {"username": "ben", "password1": PASSWORD, "password2": PASSWORD}
        self.assertContains(self.client.post(link, data | {"username": "anna"}), "already exists")
        self.assertRedirects(self.client.post(link, data), reverse("account"))
        self.assertEqual(Person.objects.get(username="ben").credits, signup.WELCOME_CREDITS)
        self.assertRedirects(Client().get(link), reverse("login"))

    def test_an_altered_link_opens_nothing(self) -> None:
        token = signup.token_for("eve@example.org")
        self.assertRedirects(self.client.get(reverse("sign_up_finish", args=[token[:-1] + "x"])), reverse("login"))

    def test_login(self) -> None:
        for email, password in (("anna@example.org", "wrong"), ("nobody@example.org", "wrong")):
            page = self.client.post(reverse("login"), {"username": email, "password": password})
            self.assertContains(page, "Please enter a correct email address and password")
        data = {"username": "ANNA@example.org", "password": PASSWORD}
        self.assertRedirects(self.client.post(reverse("login"), data), reverse("account"))
        self.assertRedirects(self.client.post(reverse("logout")), reverse("departures"))
        self.assertRedirects(self.client.get(reverse("account")), f"{reverse('login')}?next=/account/")

    def test_a_form_without_a_token_is_refused(self) -> None:
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(Person.objects.get())
        for page in ("send_credits", "inbox", "logout", "password_reset", "sign_up"):
            self.assertEqual(strict.post(reverse(page)).status_code, 403, page)


class SecretKey(SimpleTestCase):
    def test_processes_that_start_together_agree(self) -> None:
        with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(8) as pool:
            path = Path(folder, "key")
            keys = set(pool.map(secret_key, [path] * 8))
            self.assertEqual(len(keys), 1)
            self.assertGreaterEqual(len(keys.pop()), 50)
            self.assertEqual(path.stat().st_mode & 0o777, 0o600)
            self.assertEqual(len(list(Path(folder).iterdir())), 1)
