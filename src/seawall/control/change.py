"""One change of settings on its way."""

import asyncio
from dataclasses import dataclass, field

from seawall.config.live import Proposal
from seawall.errors import ChangeCutOff, SeawallError
from seawall.fleet.application import Application
from seawall.model import Event


@dataclass
class Change:
    """One change, from the proposal to its end."""

    proposal: Proposal
    application: Application
    event: Event
    asked: bool = True  # somebody waits for it
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    committed: bool = False
    anew: bool = False  # servers are started otherwise
    pending: list[str] = field(default_factory=list)
    error: SeawallError | None = None

    @property
    def unproven(self) -> bool:
        """Whether it is put in effect before anything has shown that the application starts with it."""
        return self.anew and self.application.kind == "command"

    def cut_off(self) -> ChangeCutOff:
        """Why it ends where the control plane does, or has an error of its own."""
        in_effect = "The new settings were" if self.committed else "Nothing of it was"
        return ChangeCutOff(
            f"The change was cut off before it was done: {self.event.text}. {in_effect} in effect.",
            "Look at what runs: seawall status      What differs: seawall reload --dry-run",
        )
