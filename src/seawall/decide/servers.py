"""Which servers: starts what is missing, retires what is too many, replaces what is outdated or to be restarted."""

from dataclasses import replace

from seawall.decide import count
from seawall.decide.fleet import kept as keep
from seawall.decide.fleet import staying, to_replace
from seawall.decide.warm import usable
from seawall.model import Action, Memory, Observed, Plan, RouteSeen, ServerSeen, Site, StartServer, StopServer

AT_ONCE = 8  # servers starting at the same time: more only slow each other, and the visitors, down


def decide(site: Site, observed: Observed, memory: Memory, now: float) -> Plan:
    wanted = count.wanted(site, memory)
    leaving = _leaving(site, observed, memory, wanted, now)
    if leaving != memory.leaving:
        memory = replace(memory, leaving=leaving)
    stopped, memory = _stop(site, observed, memory, now)
    started, memory = _start(site, observed, memory, wanted, now)
    return Plan(stopped + started, memory)


def _leaving(site: Site, observed: Observed, memory: Memory, wanted: int, now: float) -> dict[str, float]:
    kept = keep(site, observed, memory)
    serving = [server for server in kept if server.ready and server.name not in memory.down]
    useless = [server for server in kept if not server.ready or server.name in memory.down]
    if wanted and not serving:
        # Nobody else could serve: whoever was to leave stays until somebody can.
        return {}
    full = len(serving) >= wanted
    ordered = site.drain | to_replace(site, observed) if full else site.drain
    new = [server for server in staying(observed, memory) if server.name in ordered]
    if full:
        # Whoever does not serve is missed by nobody.
        new += useless + _least_to_finish(observed, serving)[: max(0, len(serving) - wanted)]
    return {**memory.leaving, **{server.name: now for server in new}}


def _least_to_finish(observed: Observed, serving: list[ServerSeen]) -> list[ServerSeen]:
    """Those first that have the fewest requests; of equals the youngest, which has the coldest caches."""
    work: dict[str, int] = {}
    for balancer in observed.balancers:
        for route in balancer.routes or ():
            work[route.server] = work.get(route.server, 0) + route.current + route.queued
    youngest_first = serving[::-1]
    return sorted(youngest_first, key=lambda server: work.get(server.name, 0))


def _stop(site: Site, observed: Observed, memory: Memory, now: float) -> tuple[tuple[Action, ...], Memory]:
    """Stop those that leave once no balancer sends them anything, or has for too long."""
    words = [balancer.routes for balancer in observed.balancers if balancer.alive]
    if None in words:
        # A balancer that says nothing may be sending visitors to any of them, however long that lasts.
        return (), memory
    routes = [route for word in words for route in word or ()]
    going = [s.name for s in observed.servers if s.alive and s.name in memory.leaving and s.name not in memory.stopping]
    waits = _may_take_their_time(site, observed, memory)
    reasons = {
        name: _reason_to_stop(site, routes, name, 0.0 if name in waits else now - memory.leaving[name])
        for name in going
    }
    actions = tuple(StopServer(reason, name) for name, reason in reasons.items() if reason)
    if not actions:
        return (), memory
    return actions, replace(memory, stopping={**memory.stopping, **{action.server: now for action in actions}})


def _may_take_their_time(site: Site, observed: Observed, memory: Memory) -> set[str]:
    """Servers that leave only because fewer are enough: for that nobody's websocket is cut."""
    if sum(server.alive for server in observed.servers) > site.max:
        return set()
    ordered = site.drain | to_replace(site, observed) | memory.down.keys()
    return {server.name for server in observed.servers if server.ready and server.name not in ordered}


def _reason_to_stop(site: Site, routes: list[RouteSeen], name: str, since: float) -> str:
    statuses = [route.status for route in routes if route.server == name]
    if not statuses:
        return f"{name} has drained: no balancer sends it anything"
    # "up": that balancer has not begun to drain it.
    if since > site.stop_timeout and "up" not in statuses:
        return f"{name} still has requests after servers.stop_timeout = {site.stop_timeout:g} s"
    return ""


def _start(
    site: Site, observed: Observed, memory: Memory, wanted: int, now: float
) -> tuple[tuple[Action, ...], Memory]:
    warm = usable(observed)
    if now < memory.retry_at or (warm is None and observed.warms is not None):
        return (), memory
    kept = keep(site, observed, memory)
    starting = sum(s.alive and not s.ready and s.name not in memory.stopping for s in observed.servers)
    # After a death something is wrong with the application: one attempt at a time shows whether it still is.
    number = min(wanted - len(kept), (1 if memory.deaths else AT_ONCE) - starting)
    if number <= 0:
        return (), memory
    replacing = any(s.name in site.drain | to_replace(site, observed) for s in observed.servers)
    why = "others are to be replaced" if replacing else f"{wanted} servers are wanted"
    why = why if memory.waking_since is None else "somebody has come while the site slept"
    first = memory.next_server
    actions = tuple(
        StartServer(f"{why}, {len(kept)} are there", f"s{first + index}", warm.name if warm else "")
        for index in range(number)
    )
    return actions, replace(memory, next_server=first + number)
