"""One site under control: everything its parts share. It knows none of them, so that each can be built by itself."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from seawall.control.journal import Journal
from seawall.control.processes import Processes
from seawall.control.record import Record
from seawall.control.troubles import Troubles
from seawall.control.usage import Usage
from seawall.control.wanted import Wanted
from seawall.fleet import groups
from seawall.fleet.groups import Groups
from seawall.fleet.warm import Advice
from seawall.haproxy.listeners import Listeners
from seawall.lost import RequestDeath
from seawall.model import Event, Observed, Site
from seawall.paths import Paths

TICKS = 600  # remembered: some minutes


@dataclass
class State:
    """`wake` asks for the next round of the loop, `fail` ends the control plane with an error."""

    paths: Paths
    wanted: Wanted
    journal: Journal
    processes: Processes
    record: Record
    site: Site
    wake: Callable[[], None]
    fail: Callable[[BaseException], None]
    listeners: Listeners | None = None
    wants_warm: bool = True  # False: this application cannot be forked, its servers are started cold
    seen: Observed = field(default_factory=Observed)
    advice: tuple[Advice, ...] = ()
    deaths: list[RequestDeath] = field(default_factory=list)  # that no decision has seen yet
    began: float = field(default_factory=time.monotonic)
    ticks: "deque[float]" = field(default_factory=lambda: deque(maxlen=TICKS))  # s each of the last rounds took
    knocked: bool = False  # somebody waits while no server is up, and no decision has seen it yet
    open: bool = False  # a visitor has been served, as far as the balancers say
    adopted: bool = False  # it was open before this control plane came
    moving: bool = False  # something is under way: look often
    usage: Usage = field(default_factory=Usage)
    troubles: Troubles = field(init=False)
    groups: Groups = field(init=False)

    def __post_init__(self) -> None:
        self.troubles = Troubles(self.say)
        self.groups = Groups(groups.name(self.paths))

    def say(self, event: Event) -> None:
        """Tell an event, and put it in the journal."""
        self.journal.event(event)
