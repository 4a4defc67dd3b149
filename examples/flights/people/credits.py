"""Moving credits: every change is an F() update with its condition in the same statement, so none is ever lost."""

import uuid

from django.db import transaction
from django.db.models import F

from people.models import Person, Transfer


class NotEnough(Exception):
    """The person has fewer credits than this costs."""


class KeyReused(Exception):
    """The same key came with another recipient or amount."""


@transaction.atomic
def send(sender: Person, recipient: Person, amount: int, key: uuid.UUID) -> tuple[Transfer, bool]:
    """Send `amount` credits; with False if this key was executed before, and then nothing moves again.

    Raises NotEnough or KeyReused, and then nothing has changed.
    """
    transfer, new = Transfer.objects.get_or_create(
        sender=sender, key=key, defaults={"recipient": recipient, "amount": amount}
    )
    if new:
        charge(sender, amount)
        grant(recipient, amount)
    elif (transfer.recipient_id, transfer.amount) != (recipient.pk, amount):
        raise KeyReused
    return transfer, new


def charge(person: Person, amount: int) -> None:
    """Take `amount` credits from `person`, or raise NotEnough."""
    if not Person.objects.filter(pk=person.pk, credits__gte=amount).update(credits=F("credits") - amount):
        raise NotEnough


def grant(person: Person, amount: int) -> None:
    """Give `amount` credits to `person`."""
    Person.objects.filter(pk=person.pk).update(credits=F("credits") + amount)
