"""A simulated machine: servers, balancers and a warm process that do what a plan says, late, and fail as they like."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from random import Random

from seawall.decide.plan import plan
from seawall.model import (
    BALANCERS,
    Action,
    BalancerName,
    BalancerSeen,
    ForgetServer,
    ForgetWarm,
    KillBalancer,
    KillServer,
    KillWarm,
    Memory,
    Observed,
    Plan,
    RetireBalancer,
    Route,
    RouteSeen,
    RouteStatus,
    ServerSeen,
    SetStrategy,
    Site,
    StartBalancer,
    StartServer,
    StartWarm,
    StopServer,
    TakeOver,
    TurnAway,
    WarmSeen,
)
from tests.decide.machine import JUDGED, NEVER, NOTICED, SPINS, Balancer, Entry, Server, Warm
from tests.decide.people import People


class Crashed(Exception):
    """The control plane stopped in the middle of a plan."""


Watch = Callable[["World", Plan, Action], AbstractContextManager[None]]


class World:
    """Everything on one machine, the control plane's memory and record included. All times in seconds."""

    def __init__(self, site: Site, seed: int = 0, watch: "Watch" = lambda *_: nullcontext()) -> None:
        self.site = site
        self.random = Random(seed)
        self.watch = watch  # entered around each action
        self.now = 1000.0
        self.servers: dict[str, Server] = {}
        self.balancers = {name: Balancer(name) for name in BALANCERS}
        self.active: BalancerName = "a"
        self.warms: dict[str, Warm] = {}
        self.visitors = True  # somebody asks for something all the time
        self.doomed = 0  # so many of the next servers die young
        self.failing = 0  # so many of the next actions come to nothing
        self.memory = self.saved = Memory()
        self.people: People | None = None
        self.done = 0  # actions so far
        self.crash_after = NEVER  # actions

    # Time

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.balancers[self.active].came += self.visitors
        if self.people:
            self.people.pass_time(seconds, self.places())
        for server in self.servers.values():
            if server.dies_at <= self.now and not server.hangs:
                self.end_server(server)
            if server.alive and not server.hangs and server.ready_at <= self.now:
                server.ready = True
        for balancer in self.balancers.values():
            if min(balancer.ends_at, balancer.hung_since) <= self.now and balancer.ends_at < balancer.hung_since:
                balancer.alive = False
            if balancer.busy_until <= self.now:
                balancer.busy_since = NEVER
            if balancer.alive and balancer.answers_at <= self.now and balancer.hung_since > balancer.answers_at:
                balancer.answering = True
        for warm in self.warms.values():
            if warm.alive and warm.ready_at <= self.now < warm.hung_since:
                warm.ready = True
            elif not warm.ready and warm.late_at <= self.now:
                warm.alive = False

    def end_server(self, server: Server) -> None:
        server.alive, server.bad_since = False, min(server.bad_since, self.now)

    def end_warm(self, warm: Warm) -> None:
        warm.alive = warm.ready = False

    def places(self) -> int:
        """For requests, in the servers that the active balancer sends them to."""
        balancer = self.balancers[self.active]
        entries = {name for (_, name), entry in balancer.table.items() if self.status(entry, name) == "up"}
        return self.site.slots * len(entries) if balancer.alive else 0

    # Observation

    def status(self, entry: Entry, name: str) -> RouteStatus:
        server = self.servers.get(name)
        bad_since = server.bad_since if server else 0.0
        if entry.admin == "maint":
            return "maint"
        return "down" if self.now - max(bad_since, entry.since) > NOTICED else entry.admin

    def requests(self, entry: Entry, name: str) -> int:
        """Requests a balancer has in a server: a dead one has none left, one that takes visitors always some."""
        server = self.servers.get(name)
        busy = (entry.admin == "up" and self.visitors) or self.now < entry.done_at
        return int(bool(server and server.alive) and busy and self.status(entry, name) != "down")

    def _routes(self, balancer: Balancer) -> tuple[RouteSeen, ...] | None:
        if not balancer.speaks(self.now):
            return None
        return tuple(
            RouteSeen(strategy, name, self.status(entry, name), current=self.requests(entry, name))
            for (strategy, name), entry in balancer.table.items()
        )

    def _waiting(self, balancer: Balancer) -> bool:
        """Whether somebody waits in it because no server is up."""
        up = any(self.status(entry, name) == "up" for (_, name), entry in balancer.table.items())
        return self.visitors and balancer.name == self.active and not up

    def _balancer(self, balancer: Balancer) -> BalancerSeen:
        routes, now = self._routes(balancer), self.now
        return BalancerSeen(
            balancer.name,
            alive=balancer.alive,
            answering=balancer.alive and balancer.answering,
            owes=balancer.missed(now) > 0,
            hung="is stopped" if balancer.alive and now - balancer.hung_since > JUDGED else "",
            edge=balancer.edge,
            started=balancer.started,
            strategy=None if routes is None else balancer.strategy,
            routes=routes,
            requests=None if routes is None else balancer.came,
            current=sum(route.current for route in routes or ()) + self._waiting(balancer),
            turns_away=balancer.turns_away,
        )

    def observe(self) -> Observed:
        balancers = tuple(map(self._balancer, self.balancers.values()))
        down = {route.server for seen in balancers for route in seen.routes or () if route.status == "down"}
        servers = tuple(
            ServerSeen(s.name, s.started, s.alive, s.ready, self._hung(s, down), generation=s.generation)
            for s in self.servers.values()
        )
        warms = tuple(
            WarmSeen(w.name, w.started, w.generation, w.alive, w.ready, "is stopped" if w.hung_since < self.now else "")
            for w in self.warms.values()
        )
        load = self.people.load(self.now) if self.people else None
        return Observed(servers, balancers, self.active, warms, load)

    def _hung(self, server: Server, down: set[str]) -> str:
        if not server.hangs or server.name not in down:
            return ""
        patience = SPINS if server.spinning else NOTICED
        return "does nothing though it owes an answer" if self.now - server.bad_since > patience else ""

    # The control plane

    def tick(self) -> Plan:
        """Observe, decide and act once. Raises Crashed where `crash_after` says so."""
        result = plan(self.site, self.observe(), self.memory, self.now)
        self.memory = result.memory
        stuck = {balancer.name for balancer in self.balancers.values() if not balancer.speaks(self.now)}
        for action in self._in_order(result):
            if isinstance(action, Route | SetStrategy | TurnAway) and action.balancer in stuck:
                continue
            if self.failing > 0:
                self.failing -= 1
                stuck |= {action.balancer} if isinstance(action, Route | SetStrategy | TurnAway) else set()
                continue
            with self.watch(self, result, action):
                self.apply(action)
            # A new server is recorded when it has been forked, everything else at the end of the tick.
            if isinstance(action, StartServer | StartWarm):
                self.saved = self.memory
            self.done += 1
            if self.done >= self.crash_after:
                raise Crashed
        self.saved = self.memory
        for server in self.servers.values():
            server.recorded = server.ready
        there = self.servers.keys()
        self.site = replace(self.site, drain=self.site.drain & there, restart=self.site.restart & there)
        return result

    def _in_order(self, result: Plan) -> list[Action]:
        """As control/act/actor.py has it: processes first, then the steps at each balancer."""
        return sorted(result.actions, key=lambda action: isinstance(action, Route | SetStrategy | TurnAway))

    def restart_control(self, **changes: object) -> None:
        """A new control plane with what control/running.py and adopt.py hand on; `changes` are new settings."""
        self.site = replace(self.site, **changes)  # type: ignore[arg-type]
        self.servers = {name: server for name, server in self.servers.items() if server.alive}
        for server in self.servers.values():
            server.ready, server.ready_at = server.recorded, max(server.ready_at, self.now + 0.05)
        for name, balancer in self.balancers.items():
            if not balancer.alive or balancer.missed(self.now) or balancer.ends_at < NEVER:
                self.balancers[name] = Balancer(name)
        living = [balancer.name for balancer in self.balancers.values() if balancer.alive]
        if self.active not in living:
            self.active = living[0] if living else "a"
        self.warms = {name: warm for name, warm in self.warms.items() if warm.alive}
        for warm in self.warms.values():
            warm.late_at = self.now + self.site.start_timeout
        saved = self.saved
        kept = {
            key: {name: since for name, since in getattr(saved, key).items() if name in self.servers}
            for key in ("leaving", "stopping", "down")
        }
        opened = saved.opened and bool(self.servers or living)
        asleep_since = saved.asleep_since if opened else None
        self.memory = self.saved = Memory(
            saved.next_server, saved.next_warm, opened, **kept, asleep_since=asleep_since, sizing=saved.sizing
        )

    # Actions

    def apply(self, action: Action) -> None:
        match action:
            case StartWarm(warm=name):
                ready_at, late_at = self.now + self.random.choice((0.1, 2.0)), self.now + self.site.start_timeout
                self.warms[name] = Warm(name, self.now, self.site.generation, ready_at, late_at)
            case KillWarm(warm=name):
                self.end_warm(self.warms[name])
            case ForgetWarm(warm=name):
                del self.warms[name]
            case StartServer(server=name, warm=warm):
                self._start_server(name, warm)
            case StopServer(server=name):
                server = self.servers[name]
                server.dies_at = min(server.dies_at, self.now + self.random.choice((0.05, 2.0, 20.0, NEVER)))
            case KillServer(server=name):
                self.end_server(self.servers[name])
            case ForgetServer(server=name):
                del self.servers[name]
            case StartBalancer(balancer=balancer):
                self._start_balancer(balancer)
            case KillBalancer(balancer=balancer):
                self.balancers[balancer].alive = False
            case RetireBalancer(balancer=balancer):
                self.balancers[balancer].retired_since = self.now
                self.balancers[balancer].ends_at = self.now + self.random.choice((0.05, 3.0, 100.0))
            case TakeOver(balancer=balancer):
                self.active = balancer
            case SetStrategy(balancer=balancer, strategy=strategy):
                self.balancers[balancer].strategy = strategy
            case TurnAway(balancer=balancer, on=on):
                self.balancers[balancer].turns_away = on
            case Route():
                self._step(action)

    def _start_server(self, name: str, warm_name: str) -> None:
        warm = self.warms[warm_name]
        server = Server(name, self.now, self.now + self.random.choice((0.02, 0.1, 5.0)), generation=warm.generation)
        self.servers[name] = server
        if self.doomed > 0:
            self.doomed -= 1
            server.dies_at = self.now + self.random.choice((0.01, 0.5, 6.0))
        if not warm.alive or warm.hung_since < self.now:
            self.end_server(server)

    def _start_balancer(self, name: BalancerName) -> None:
        gone = self.memory.leaving.keys() | self.memory.stopping.keys()
        servers = [s.name for s in self.servers.values() if s.alive and s.ready and s.name not in gone]
        balancer = Balancer(name, True, self.now, self.now + 0.05, edge=self.site.edge, strategy=self.site.strategy)
        balancer.table = {(self.site.strategy, server): Entry("up", self.now) for server in servers}
        self.balancers[name] = balancer

    def _step(self, step: Route) -> None:
        table, key = self.balancers[step.balancer].table, (step.strategy, step.server)
        entry = table.setdefault(key, Entry()) if step.step == "add" else table.get(key)
        assert entry or step.step != "enable", f"HAProxy has no {key} to enable"
        if entry is None or step.step == "add":
            return
        if step.step == "remove":
            assert entry.admin == "maint", f"HAProxy removes a server in maintenance only, {key} is {entry.admin}"
            if self.now >= entry.done_at or self.random.random() < 0.5:
                del table[key]
            return
        if self.status(entry, step.server) == "up" and self.visitors:
            # People on a page come and go; who is on an open connection stays.
            last = (0.0, 0.3, 5.0) if self.people else (0.0, 0.3, 5.0, 100.0)
            entry.done_at = self.now + self.random.choice(last)
        admin: dict[str, RouteStatus] = {"enable": "up", "drain": "drain", "maint": "maint"}
        entry.admin = admin[step.step]
        # A server counts as up from the moment it is enabled until heartbeats have failed.
        entry.since = self.now if step.step == "enable" else entry.since
