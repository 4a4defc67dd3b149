"""A simulated fleet: servers with slots and one queue before them, every request an event, and who decides its size."""

import heapq
import random
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from tests.loads.rules import Moment, Rule

LONG = 0.1  # s; who waits longer has noticed
WINDOW = 60.0  # s; a server that goes so soon after one came was started, or is ended, for nothing


@dataclass
class Server:
    name: str
    started: float
    ready_at: float
    busy: int = 0
    routed: bool = False  # the balancer gives it new requests
    leaves: bool = False


class Decider(Protocol):
    @property
    def wanted(self) -> int:
        """How many servers there are to be."""

    def tick(self, fleet: "Fleet") -> float:
        """Change the fleet as it should be. Returns after how many s it wants to be asked again."""


@dataclass
class Outcome:
    """What a run came to. `sizes` are the numbers of servers wanted, as they changed: (s, servers)."""

    requests: int = 0
    waited: int = 0  # longer than LONG
    server_seconds: float = 0.0
    sizes: list[tuple[float, int]] = field(default_factory=list)

    @property
    def missed(self) -> float:
        """Share of the requests that waited longer than LONG."""
        return self.waited / max(1, self.requests)

    @property
    def flaps(self) -> int:
        """Steps down within WINDOW of a step up."""
        flaps, up, before = 0, -WINDOW, self.sizes[0][1]
        for at, servers in self.sizes[1:]:
            if servers > before:
                up = at
            elif servers < before and at - up < WINDOW:
                flaps += 1
            before = servers
        return flaps


@dataclass
class Fleet:
    """`slots` requests at a time in each server, exponential service times of `service` s, `delay` s to start."""

    slots: int = 4
    service: float = 0.1
    delay: float = 0.1
    seed: int = 0
    now: float = 0.0
    servers: dict[str, Server] = field(default_factory=dict)
    queue: deque[float] = field(default_factory=deque)  # when each came
    arrived: int = 0
    finished: int = 0
    work: float = 0.0  # s requests have spent in servers
    outcome: Outcome = field(default_factory=Outcome)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self._ends: list[tuple[float, str]] = []
        self._up: list[Server] = []

    # What deciders see and do

    @property
    def serving(self) -> int:
        return len(self._ends)

    def start(self, name: str) -> None:
        self.servers[name] = Server(name, self.now, self.now + self.delay * self.chance.uniform(0.75, 1.25))

    def route(self, name: str, give: bool) -> None:
        """Whether the balancer gives it new requests from now on."""
        self.servers[name].routed = give
        self._up = [server for server in self.servers.values() if server.routed]
        self._hand_out()

    def end(self, name: str) -> None:
        """A server that has nothing to do."""
        assert not self.servers[name].busy, f"{name} is ended while it works"
        self.route(name, False)
        del self.servers[name]

    # Time

    def play(self, arrivals: Iterable[float], seconds: float, decider: Decider) -> Outcome:
        coming = iter(arrivals)
        following = next(coming, seconds)
        tick = 0.0
        while tick < seconds:
            while following <= tick:
                self._finish(following)
                self._arrive(following)
                following = next(coming, seconds)
            self._finish(tick)
            self._to(tick)
            pause = decider.tick(self)
            self._count(pause, decider.wanted)
            tick += pause
        return self.outcome

    def _count(self, pause: float, wanted: int) -> None:
        self.outcome.server_seconds += pause * len(self.servers)
        if not self.outcome.sizes or self.outcome.sizes[-1][1] != wanted:
            self.outcome.sizes.append((self.now, wanted))

    def _to(self, moment: float) -> None:
        self.work += self.serving * (moment - self.now)
        self.now = moment

    def _arrive(self, at: float) -> None:
        self._to(at)
        self.arrived += 1
        self.queue.append(at)
        self._hand_out()

    def _finish(self, until: float) -> None:
        while self._ends and self._ends[0][0] <= until:
            self._to(self._ends[0][0])
            _, name = heapq.heappop(self._ends)
            self.servers[name].busy -= 1
            self.finished += 1
            self._hand_out()

    def _hand_out(self) -> None:
        while self.queue and self._up:
            server = min(self._up, key=lambda each: each.busy)
            if server.busy >= self.slots:
                return
            waited = self.now - self.queue.popleft()
            self.outcome.requests += 1
            self.outcome.waited += waited > LONG
            server.busy += 1
            heapq.heappush(self._ends, (self.now + self.chance.expovariate(1 / self.service), server.name))


@dataclass
class Ruled:
    """A fleet whose size a rule decides, `least` at least; who has the least to do goes first, and finishes it."""

    rule: Rule
    least: int = 1
    most: int = 400
    pause: float = 0.1  # s
    wanted: int = 0
    _next: int = 1

    def tick(self, fleet: Fleet) -> float:
        for server in list(fleet.servers.values()):
            if server.leaves and not server.busy:
                fleet.end(server.name)
            elif not server.leaves and not server.routed and server.ready_at <= fleet.now:
                fleet.route(server.name, True)
        ready = [server for server in fleet.servers.values() if server.routed]
        starting = [server for server in fleet.servers.values() if not server.routed and not server.leaves]
        there = len(ready) + len(starting)
        seen = Moment(fleet.now, len(ready), len(starting), fleet.serving, len(fleet.queue), fleet.slots)
        self.wanted = min(self.most, max(self.least, self.rule.wanted(seen))) if there else self.least
        for _ in range(self.wanted - there):
            fleet.start(f"s{self._next}")
            self._next += 1
        if self.wanted < there:
            for server in sorted(starting + ready, key=lambda each: (each.routed, each.busy))[: there - self.wanted]:
                server.leaves = True
                fleet.route(server.name, False)
        return self.pause
