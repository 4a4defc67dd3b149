"""Which server gets traffic: brings the backends of each balancer to what is wanted, one safe step at a time."""

from collections.abc import Mapping

from seawall.decide.slots import given
from seawall.model import (
    Action,
    BalancerSeen,
    Memory,
    Observed,
    Plan,
    Route,
    RouteSeen,
    RouteStep,
    SetStrategy,
    Site,
    Strategy,
)


def decide(site: Site, observed: Observed, memory: Memory, now: float) -> Plan:
    gone = memory.leaving.keys() | memory.stopping.keys()
    alive = {s.name for s in observed.servers if s.alive}
    # One that is not known to be well gets no new route; one that has a route keeps it, for HAProxy to judge.
    staying = alive - gone
    well = staying - memory.down.keys()
    wanted = {s.name: given(site, s.slots) for s in observed.servers if s.ready and not s.hung and s.name in well}
    actions: list[Action] = []
    for balancer in observed.balancers:
        if balancer.alive and balancer.routes is not None:
            actions += _enter(site.strategy, balancer, wanted)
            actions += _switch(site.strategy, balancer, wanted)
            actions += _leave(site.strategy, balancer, staying, alive)
    return Plan(tuple(actions), memory)


def _enter(strategy: Strategy, balancer: BalancerSeen, wanted: Mapping[str, int]) -> list[Action]:
    have = {route.server: route for route in balancer.routes or () if route.strategy == strategy}
    steps: list[Action] = []
    for server, limit in wanted.items():
        if server in have and have[server].limit not in (0, limit):
            reason = f"{server} is to work on {limit} requests at a time"
            steps.append(Route(reason, balancer.name, strategy, server, "limit"))
        if server not in have:
            # Added servers are in maintenance until they are enabled.
            steps.append(Route(f"{server} answers its heartbeats", balancer.name, strategy, server, "add"))
        if server not in have or have[server].status in ("drain", "maint"):
            steps.append(Route(f"{server} is to serve", balancer.name, strategy, server, "enable"))
    return steps


def _switch(strategy: Strategy, balancer: BalancerSeen, wanted: Mapping[str, int]) -> list[Action]:
    """Comes after the servers were added and enabled in the new backend, so that no request finds it empty."""
    serves = any(route.status == "up" for route in balancer.routes or ())
    if balancer.strategy in (None, strategy) or (serves and not wanted):
        return []
    return [SetStrategy(f"balancer.strategy is {strategy}, not {balancer.strategy}", balancer.name, strategy)]


def _leave(strategy: Strategy, balancer: BalancerSeen, staying: set[str], alive: set[str]) -> list[Action]:
    actions: list[Action] = []
    for route in balancer.routes or ():
        if route.strategy == strategy:
            if route.server not in staying:
                actions += _withdraw(balancer, route, route.server in alive)
        elif balancer.strategy == strategy:
            # The old strategy's backend gets no new requests any more; the server itself lives on in the new one.
            actions += _withdraw(balancer, route, route.server in alive)
    return actions


def _withdraw(balancer: BalancerSeen, route: RouteSeen, alive: bool) -> list[Action]:
    def step(name: RouteStep, reason: str) -> Action:
        return Route(f"{route.server} {reason}", balancer.name, route.strategy, route.server, name)

    if route.status == "maint":
        return [step("remove", "is out of use")]
    if not alive:
        return [step("maint", "is dead"), step("remove", "is dead")]
    # One that fails its heartbeats is shown as down whether or not it drains.
    drain = [] if route.status == "drain" else [step("drain", "is to finish what it has")]
    if route.status == "up" or route.current or route.queued:
        return drain
    return [*drain, step("maint", "has finished"), step("remove", "has finished")]
