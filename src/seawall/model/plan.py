"""What one round of decisions comes to."""

from dataclasses import dataclass

from seawall.model.actions import Action
from seawall.model.memory import Memory


@dataclass(frozen=True)
class Event:
    """Something worth telling a person."""

    kind: str
    subject: str
    text: str


@dataclass(frozen=True)
class Plan:
    """What to do now, what to remember, and what to say."""

    actions: tuple[Action, ...]
    memory: Memory
    events: tuple[Event, ...] = ()
