"""The values everything is said in: what is wanted, what is seen, what is remembered, what is to be done.

All are frozen. Times are seconds on one clock whose zero does not matter (`now` is an argument everywhere).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Strategy = Literal["least-connections", "round-robin", "random"]
STRATEGIES: tuple[Strategy, ...] = ("least-connections", "round-robin", "random")
HEALTH_PATH = "/-/seawall/health"  # heartbeats of servers: answered before the application is asked
BalancerName = Literal["a", "b"]
BALANCERS: tuple[BalancerName, ...] = ("a", "b")


@dataclass(frozen=True)
class Site:
    """What is wanted."""

    servers: int = 2
    strategy: Strategy = "least-connections"
    edge: str = ""  # digest of the configuration a balancer should run with
    start_timeout: float = 60.0  # s a new server may take to its first heartbeat
    stop_timeout: float = 30.0  # s a draining server may take to finish its requests
    drain: frozenset[str] = frozenset()  # servers an operator wants gone
    restart: frozenset[str] = frozenset()  # servers an operator wants replaced before they go


@dataclass(frozen=True)
class ServerSeen:
    """One application server as a process."""

    name: str
    started: float
    alive: bool = True
    ready: bool = False  # has answered a heartbeat since it started
    frozen: bool = False  # exists but gets nowhere: stopped, or idle while it owes an answer
    ending: str = ""  # how it ended, where that is known: "killed by SIGKILL", "exit code 3"


RouteStatus = Literal["up", "down", "drain", "maint"]


@dataclass(frozen=True)
class RouteSeen:
    """One server as one balancer has it in the backend of one strategy."""

    strategy: Strategy
    server: str
    status: RouteStatus
    check: str = ""  # HAProxy's word for its last heartbeat: L7OK, L7TOUT, L4CON …
    latency: float | None = None  # s the last heartbeat took
    current: int = 0  # requests being worked on
    queued: int = 0  # requests waiting for this server


@dataclass(frozen=True)
class BalancerSeen:
    """One HAProxy process. `routes` and `strategy` are None while it does not say."""

    name: BalancerName
    alive: bool = False
    answering: bool = False  # has answered its runtime socket since it started
    missed: int = 0  # heartbeats missed in a row
    busy: bool = False  # it missed them while using the processor: overloaded, not hung
    edge: str = ""  # digest of the configuration it runs with
    started: float = 0.0
    strategy: Strategy | None = None
    routes: tuple[RouteSeen, ...] | None = None


@dataclass(frozen=True)
class WarmSeen:
    """The process that has imported the application and forks servers."""

    alive: bool = False
    ready: bool = False
    started: float = 0.0
    missed: int = 0  # heartbeats missed in a row since it was ready


@dataclass(frozen=True)
class Observed:
    """What is seen."""

    servers: tuple[ServerSeen, ...] = ()
    balancers: tuple[BalancerSeen, ...] = ()
    active: BalancerName = "a"
    warm: WarmSeen | None = None  # None: this kind of application has none


@dataclass(frozen=True)
class Memory:
    """What is remembered from one decision to the next."""

    next_server: int = 1
    opened: bool = False  # a first server has been ready: from now on there are balancers
    leaving: Mapping[str, float] = field(default_factory=dict)  # server → since when it drains
    stopping: Mapping[str, float] = field(default_factory=dict)  # server → since when it was told to stop
    down: Mapping[str, float] = field(default_factory=dict)  # server → since when it fails its heartbeats
    deaths: int = 0  # servers in a row that died young
    retry_at: float = 0.0  # no new server before this time
    warm_deaths: int = 0
    warm_retry_at: float = 0.0
    retiring: Mapping[str, float] = field(default_factory=dict)  # balancer → since when it finishes its connections
    balancer_deaths: Mapping[str, int] = field(default_factory=dict)
    balancer_retry_at: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Action:
    """One thing to do. `reason` is a plain sentence."""

    reason: str


@dataclass(frozen=True)
class StartWarm(Action):
    pass


@dataclass(frozen=True)
class KillWarm(Action):
    pass


@dataclass(frozen=True)
class StartServer(Action):
    server: str


@dataclass(frozen=True)
class StopServer(Action):
    """Ask a drained server to finish (SIGTERM)."""

    server: str


@dataclass(frozen=True)
class KillServer(Action):
    """End a server at once (SIGKILL): its sockets close, and the balancer answers its GETs elsewhere."""

    server: str


@dataclass(frozen=True)
class ForgetServer(Action):
    """A server's process is gone: remove its socket and its record."""

    server: str


RouteStep = Literal["add", "enable", "drain", "maint", "remove"]


@dataclass(frozen=True)
class Route(Action):
    """One step with one server in one balancer's backend."""

    balancer: BalancerName
    strategy: Strategy
    server: str
    step: RouteStep


@dataclass(frozen=True)
class SetStrategy(Action):
    balancer: BalancerName
    strategy: Strategy


@dataclass(frozen=True)
class StartBalancer(Action):
    balancer: BalancerName


@dataclass(frozen=True)
class KillBalancer(Action):
    balancer: BalancerName


@dataclass(frozen=True)
class RetireBalancer(Action):
    """Ask a spare to finish its connections and end (SIGUSR1), so that one with the wanted configuration can start."""

    balancer: BalancerName


@dataclass(frozen=True)
class TakeOver(Action):
    """From now on the kernel gives new connections to this balancer."""

    balancer: BalancerName


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
