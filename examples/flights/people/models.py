"""People, the credits they send each other, and the messages between them."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models
from django.db.models import Case, F, Max, Q, When
from django.urls import reverse


class PersonManager(UserManager["Person"]):
    @classmethod
    def normalize_email(cls, email: str | None) -> str:
        return (email or "").strip().lower()

    def get_by_natural_key(self, email: str | None) -> Person:
        return self.get(email=self.normalize_email(email))


class Person(AbstractUser):
    """Logs in with an email address, which nobody else sees; the username is the public name."""

    email = models.EmailField("email address", unique=True)
    credits = models.PositiveIntegerField(default=0)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["username"]

    objects = PersonManager()

    class Meta:
        verbose_name_plural = "people"
        constraints = [models.CheckConstraint(condition=Q(credits__gte=0), name="person_credits_not_negative")]

    def __str__(self) -> str:
        return self.username


class Transfer(models.Model):
    """Credits sent from one person to another. The key comes from the form: the same key is executed once."""

    sender = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="transfers_sent")
    recipient = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="transfers_received")
    amount = models.PositiveIntegerField()
    key = models.UUIDField(default=uuid.uuid4)
    sent_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["sender", "key"], name="transfer_key_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="transfer_amount_positive"),
            models.CheckConstraint(condition=~Q(sender=F("recipient")), name="transfer_to_another"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} from {self.sender} to {self.recipient}"


class MessageQuerySet(models.QuerySet["Message"]):
    def of(self, person: Person) -> MessageQuerySet:
        """Everything `person` has written or been sent."""
        return self.filter(Q(sender=person) | Q(recipient=person))

    def between(self, one: Person, other: Person) -> MessageQuerySet:
        return self.filter(Q(sender=one, recipient=other) | Q(sender=other, recipient=one))

    def latest_of_each_conversation(self, person: Person) -> MessageQuerySet:
        """The last message between `person` and each other person, newest first."""
        other = Case(When(sender=person, then="recipient_id"), default="sender_id")
        latest = self.of(person).order_by().values(other=other).annotate(last=Max("pk")).values("last")
        return self.filter(pk__in=latest).select_related("sender", "recipient").order_by("-pk")


class Message(models.Model):
    sender = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="messages_sent")
    recipient = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="messages_received")
    body = models.TextField(max_length=2000)
    sent_at = models.DateTimeField(auto_now_add=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.sender} to {self.recipient}"

    def get_absolute_url(self) -> str:
        return reverse("conversation", args=[self.recipient.username])
