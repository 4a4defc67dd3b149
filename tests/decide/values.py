"""Short ways to write down what is seen, and to read what is decided."""

from typing import Any

from seawall.model import (
    Action,
    BalancerName,
    BalancerSeen,
    Memory,
    Observed,
    Plan,
    RouteSeen,
    RouteStatus,
    ServerSeen,
    Site,
    StartServer,
    Strategy,
    WarmSeen,
)

NOW = 1000.0
SITE = Site(min=2, edge="new")
OPEN = Memory(next_server=10, opened=True)
WARM = WarmSeen("w1", NOW - 100, ready=True)


def server(name: str, age: float = 100.0, **seen: Any) -> ServerSeen:
    """A server that is well, unless `seen` says otherwise."""
    return ServerSeen(name, NOW - age, **{"ready": True, **seen})


def route(
    name: str, status: RouteStatus = "up", current: int = 0, strategy: Strategy = "least-connections", queued: int = 0
) -> RouteSeen:
    return RouteSeen(strategy, name, status, current=current, queued=queued)


def balancer(name: BalancerName = "a", *routes: RouteSeen, age: float = 100.0, **seen: Any) -> BalancerSeen:
    """A balancer that is well and up to date, unless `seen` says otherwise."""
    well: dict[str, Any] = {"alive": True, "answering": True, "edge": "new", "strategy": "least-connections"}
    return BalancerSeen(name, started=NOW - age, **{**well, "routes": routes, **seen})


def observed(
    *servers: ServerSeen, a: BalancerSeen | None = None, b: BalancerSeen | None = None, **seen: Any
) -> Observed:
    """Two balancers that send visitors to every server, and a warm process, unless `seen` says otherwise."""
    routes = [route(server.name) for server in servers]
    balancers = (a or balancer("a", *routes), b or balancer("b", *routes))
    return Observed(servers, **{"balancers": balancers, "warms": (WARM,), **seen})


def told(plan: Plan) -> list[str]:
    """The actions without their reasons: "StartServer s3", "Route a least-connections s1 drain"."""
    return [_told(action) for action in plan.actions]


def _told(action: Action) -> str:
    shown = {key: value for key, value in vars(action).items() if key != "reason"}
    if isinstance(action, StartServer):
        del shown["warm"]
    return " ".join([type(action).__name__, *shown.values()])
