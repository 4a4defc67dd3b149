"""What is wanted: the site as decisions see it."""

from dataclasses import dataclass
from typing import Literal

Strategy = Literal["least-connections", "round-robin", "random"]
STRATEGIES: tuple[Strategy, ...] = ("least-connections", "round-robin", "random")
HEALTH_PATH = "/-/seawall/health"  # heartbeats of servers: answered before the application is asked
BalancerName = Literal["a", "b"]
BALANCERS: tuple[BalancerName, ...] = ("a", "b")


@dataclass(frozen=True)
class Site:
    """What is wanted."""

    min: int = 2  # servers
    max: int = 2
    slots: int = 4  # requests one server is to work on at a time
    idle: float | None = None  # s without a request after which, with min = 0, there is none; None: by kind
    cores: float = 2.0  # processors that its servers may use
    hold: float = 60.0  # s that servers stay after the last moment that needed them
    strategy: Strategy = "least-connections"
    edge: str = ""  # digest of the configuration a balancer should run with
    start_timeout: float = 60.0  # s a new server may take to its first heartbeat
    stop_timeout: float = 30.0  # s a draining server may take to finish its requests
    generation: int = 0  # of the application's code: raised when all of it is to be imported anew
    drain: frozenset[str] = frozenset()  # servers an operator wants gone
    restart: frozenset[str] = frozenset()  # servers an operator wants replaced before they go
