"""What is to be done: one value an action, each with a plain sentence of reason."""

from dataclasses import dataclass
from typing import Literal

from seawall.model.site import BalancerName, Strategy


@dataclass(frozen=True)
class Action:
    """One thing to do. `reason` is a plain sentence."""

    reason: str


@dataclass(frozen=True)
class StartWarm(Action):
    """Import the generation of the application that is wanted now."""

    warm: str


@dataclass(frozen=True)
class KillWarm(Action):
    warm: str


@dataclass(frozen=True)
class ForgetWarm(Action):
    """A warm process is gone: remove its socket and its record."""

    warm: str


@dataclass(frozen=True)
class StartServer(Action):
    """`warm` is the process to fork it from; "" where servers are started cold."""

    server: str
    warm: str = ""


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
class TurnAway(Action):
    """While no server is up: answer requests 503, those that wait too; or, again, let them wait."""

    balancer: BalancerName
    on: bool


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
