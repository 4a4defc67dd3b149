"""Signing up by mail: whoever asks learns nothing about an address unless they can read its mail."""

from django.core import signing
from django.core.mail import send_mail
from django.template.loader import render_to_string

from people.models import Person

WELCOME_CREDITS = 1000
LINK_LIFETIME = 24 * 60 * 60  # s
SALT = "people.signup"


def token_for(email: str) -> str:
    return signing.dumps(email, salt=SALT)


def email_in(token: str) -> str | None:
    """The address a link was sent to, or None if the link was altered or is too old."""
    try:
        email: str = signing.loads(token, salt=SALT, max_age=LINK_LIFETIME)
    except signing.BadSignature:
        return None
    return email


def send_link(email: str, link: str, login: str) -> None:
    """Mail `link`, by which the account is opened, or only a reminder to someone who has one."""
    known = Person.objects.filter(email=email).exists()
    body = render_to_string("registration/sign_up_mail.txt", {"known": known, "link": link, "login": login})
    send_mail("Your Meridian account", body, None, [email])
