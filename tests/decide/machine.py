"""The processes of the simulated machine."""

import math
from dataclasses import dataclass, field

from seawall.model import BalancerName, RouteStatus, Strategy

NEVER = math.inf
BEAT = 0.2  # s one missed heartbeat of a balancer takes
JUDGED = 0.3  # s until one that owes an answer and does nothing counts as hung
SPINS = 4.0  # s until one that computes without an answer does
NOTICED = 0.5  # s until a balancer takes a server out that fails its heartbeats


@dataclass
class Server:
    name: str
    started: float
    ready_at: float
    dies_at: float = NEVER
    bad_since: float = NEVER  # since when it is dead or hangs
    bad_until: float = -NEVER  # when it last went on after a pause
    alive: bool = True
    ready: bool = False  # as far as the control plane knows
    recorded: bool = False  # `ready` as the next control plane will find it
    spinning: bool = False  # it hangs, but uses the processor
    generation: int = 0

    @property
    def hangs(self) -> bool:
        return self.alive and self.bad_since < NEVER


@dataclass
class Warm:
    """`ready` as the control plane knows it."""

    name: str
    started: float
    generation: int
    ready_at: float
    late_at: float  # then one that has not reported is ended: control/act/warms.py
    hung_since: float = NEVER
    alive: bool = True
    ready: bool = False


@dataclass
class Entry:
    """One server in one backend."""

    admin: RouteStatus = "maint"
    since: float = 0.0
    done_at: float = 0.0  # when a draining server has answered its last request here


@dataclass
class Balancer:
    name: BalancerName
    alive: bool = False
    started: float = 0.0
    answers_at: float = NEVER
    answering: bool = False
    hung_since: float = NEVER
    busy_since: float = NEVER
    busy_until: float = 0.0
    mute_until: float = 0.0
    ends_at: float = NEVER  # it was told to finish
    retired_since: float = NEVER
    edge: str = ""
    came: int = 0  # requests so far
    turns_away: bool = False
    strategy: Strategy = "least-connections"
    table: dict[tuple[Strategy, str], Entry] = field(default_factory=dict)

    def missed(self, now: float) -> int:
        since = min(self.hung_since, self.retired_since, self.busy_since)
        return int((now - since) / BEAT) if self.alive and self.answering and since < now else 0

    def speaks(self, now: float) -> bool:
        return self.alive and self.answers_at <= now and self.mute_until <= now and not self.missed(now)
