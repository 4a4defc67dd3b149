"""Demonstration accounts. Their password is public: seed them only where nobody can do harm."""

from datetime import timedelta
from uuid import uuid4

from django.utils import timezone

from people import credits
from people.models import Message, Person, Transfer
from schedule.booking import book
from schedule.models import Flight

PASSWORD = "departures-board"
CREDITS = 5000
NAMES = ("anna", "ben", "chioma", "diego", "emi")
TALK = (
    ("anna", "ben", "Shall we fly out on Friday already? The evening flight still has seats."),
    ("ben", "anna", "Friday works. Window seat is yours, I owe you one."),
    ("anna", "ben", "Deal. I have sent you the credits for the hotel."),
    ("chioma", "anna", "Landed! The harbour from above is something else."),
    ("anna", "diego", "Are you still collecting boarding passes?"),
    ("diego", "anna", "Always. Bring me one from somewhere with a silly airport code."),
    ("emi", "ben", "Gate changed again. Coffee?"),
)
SENT = (("anna", "ben", 180), ("chioma", "anna", 45), ("ben", "emi", 12))


def create() -> None:
    """Whoever is missing, with credits; on the first run also what they wrote, sent and booked."""
    people = {name: _person(name) for name in NAMES}
    if Transfer.objects.filter(sender=people["anna"]).exists():
        return
    for sender, recipient, body in TALK:
        Message.objects.create(sender=people[sender], recipient=people[recipient], body=body)
    for sender, recipient, amount in SENT:
        credits.send(people[sender], people[recipient], amount, uuid4())
    _book(people["anna"], ("LHR", "CDG", "JFK"))
    _book(people["ben"], ("SIN", "FRA"))


def _person(name: str) -> Person:
    person = Person.objects.filter(username=name).first()
    return person or Person.objects.create_user(name, f"{name}@example.org", PASSWORD, credits=CREDITS)


def _book(person: Person, origins: tuple[str, ...]) -> None:
    now = timezone.now()
    for days, origin in enumerate(origins, start=2):
        after = now + timedelta(days=days)
        for departure in Flight.objects.filter(origin=origin, price__lt=700).board(after, 1):
            book(person, departure.flight, departure.departs_at, now)
