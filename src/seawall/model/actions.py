"""What is to be done: one value an action, each with a plain sentence of reason."""

from dataclasses import dataclass
from typing import Literal

from seawall.model.site import BalancerName, Strategy


@dataclass(frozen=True)
class Action:
    """One thing to do. `reason` is a plain sentence."""

    reason: str


@dataclass(frozen=True)
class WarmAction(Action):
    warm: str


class StartWarm(WarmAction):
    """Import the generation of the application that is wanted now."""


class KillWarm(WarmAction):
    """End a warm process at once; its servers go on."""


class ForgetWarm(WarmAction):
    """A warm process is gone: remove its socket and its record."""


@dataclass(frozen=True)
class ServerAction(Action):
    server: str


@dataclass(frozen=True)
class StartServer(ServerAction):
    """`warm` is the process to fork it from; "" where servers are started cold."""

    warm: str = ""


class StopServer(ServerAction):
    """Ask a drained server to finish (SIGTERM)."""


class KillServer(ServerAction):
    """End a server at once (SIGKILL): its sockets close, and the balancer answers its GETs elsewhere."""


class ForgetServer(ServerAction):
    """A server's process is gone: remove its socket and its record."""


@dataclass(frozen=True)
class BalancerAction(Action):
    balancer: BalancerName


RouteStep = Literal["add", "enable", "limit", "drain", "maint", "remove"]


@dataclass(frozen=True)
class Route(BalancerAction):
    """One step with one server in one balancer's backend."""

    strategy: Strategy
    server: str
    step: RouteStep


@dataclass(frozen=True)
class SetStrategy(BalancerAction):
    """The balancer's servers are chosen by this strategy from now on."""

    strategy: Strategy


@dataclass(frozen=True)
class TurnAway(BalancerAction):
    """While no server is up: answer requests 503, those that wait too; or, again, let them wait."""

    on: bool


class StartBalancer(BalancerAction):
    """Start it on our listening sockets, with the wanted configuration."""


class KillBalancer(BalancerAction):
    """End it at once, with what it carries."""


class RetireBalancer(BalancerAction):
    """Ask a spare to finish its connections and end (SIGUSR1), so that one with the wanted configuration can start."""


class TakeOver(BalancerAction):
    """From now on the kernel gives new connections to this balancer."""
