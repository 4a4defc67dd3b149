"""What is seen of the processes of a site, and what the balancers say."""

from dataclasses import dataclass
from typing import Literal

from seawall.lost import RequestDeath
from seawall.model.site import BalancerName, Strategy


@dataclass(frozen=True)
class ServerSeen:
    """One application server as a process."""

    name: str
    started: float
    alive: bool = True
    ready: bool = False  # has answered a heartbeat since it started
    hung: str = ""  # why it counts as hung, as the end of a sentence: "is stopped"; "" while it may only be busy
    ending: str = ""  # how it ended, where that is known: "killed by SIGKILL", "exit code 3"
    generation: int = 0  # of the code it runs
    lost: bool = False  # its socket is no longer in the file system: no balancer can reach it any more
    slots: int = 0  # requests it takes at a time; 0 where it does not say, as a command


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
    limit: int = 0  # requests the balancer gives it at a time; 0 where that is not known


FINISHING = "was told to finish by somebody else"  # a balancer whose listening sockets are closed or paused


@dataclass(frozen=True)
class BalancerSeen:
    """One HAProxy process. `routes` and `strategy` are None while it does not say."""

    name: BalancerName
    alive: bool = False
    answering: bool = False  # has answered its runtime socket since it started
    owes: bool = False  # an answer, for longer than usual: not known to be well
    hung: str = ""  # why it counts as hung or FINISHING, as the end of a sentence; "" while it may only be busy
    edge: str = ""  # digest of the configuration it runs with
    started: float = 0.0
    strategy: Strategy | None = None
    routes: tuple[RouteSeen, ...] | None = None
    requests: int | None = None  # for servers, since it started
    current: int = 0  # of them in servers, or waiting for one, now
    turns_away: bool = False  # it refuses requests while no server is up


@dataclass(frozen=True)
class WarmSeen:
    """A process that has imported one generation of the application and forks servers."""

    name: str
    started: float
    generation: int = 0
    alive: bool = True
    ready: bool = False
    hung: str = ""


@dataclass(frozen=True)
class Load:
    """What the balancers have counted since this control plane first read them, and what goes on now.

    The counts only grow, however many balancers come and go. A stream (a websocket, an event stream) has a place in a
    server for as long as it likes: it is no request that will soon be finished.
    """

    at: float  # when the active balancer was read
    arrived: int = 0  # requests that were to be given to a server
    finished: int = 0  # requests that servers are done with
    work: float = 0.0  # s that requests have spent in servers, streams left out
    serving: int = 0  # requests in servers, streams left out
    streams: int = 0
    queued: int = 0  # requests that wait for a place in a server
    complete: bool = True  # every balancer that may have requests was read
    processor: float = 0.0  # s of processor time the servers have used
    busy: float = 0.0  # s in which all processors of the machine worked, half of them counting half


@dataclass(frozen=True)
class Expected:
    """What the same time of the day or week has asked for before."""

    places: float  # in servers, at the most
    days: float  # for which that has been noted


@dataclass(frozen=True)
class Observed:
    """What is seen."""

    servers: tuple[ServerSeen, ...] = ()
    balancers: tuple[BalancerSeen, ...] = ()
    active: BalancerName = "a"
    warms: tuple[WarmSeen, ...] | None = ()  # None: this kind of application has none
    load: Load | None = None  # None: not known
    expected: Expected | None = None  # None: nothing has been learned
    deaths: tuple[RequestDeath, ...] = ()  # requests that killed servers, as far as that is news
    knocked: bool = False  # since the last look somebody has begun to wait for a server, while none was up
