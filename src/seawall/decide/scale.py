"""How many servers: starts what is missing, retires what is too many, replaces what an operator wants replaced."""

from dataclasses import replace

from seawall.decide.backoff import YOUNG, pause
from seawall.model import (
    Action,
    KillWarm,
    Memory,
    Observed,
    Plan,
    RouteSeen,
    ServerSeen,
    Site,
    StartServer,
    StartWarm,
    StopServer,
)

WARM_MISSED = 3  # heartbeats in a row: nobody waits for the warm process, so there is no hurry
AT_ONCE = 8  # servers starting at the same time: more only slow each other, and the visitors, down


def decide(site: Site, observed: Observed, memory: Memory, now: float) -> Plan:
    memory, warm = _warm(observed, memory, now)
    leaving = _leaving(site, observed, memory, now)
    if leaving != memory.leaving:
        memory = replace(memory, leaving=leaving)
    stopped, memory = _stop(site, observed, memory, now)
    started, memory = _start(site, observed, memory, now)
    return Plan(warm + stopped + started, memory)


def _staying(observed: Observed, memory: Memory) -> list[ServerSeen]:
    """Servers that are there to stay, oldest first."""
    gone = memory.leaving.keys() | memory.stopping.keys()
    return [server for server in observed.servers if server.alive and server.name not in gone]


def _kept(site: Site, observed: Observed, memory: Memory) -> list[ServerSeen]:
    """Those of them nobody wants gone."""
    ordered = site.drain | site.restart
    return [server for server in _staying(observed, memory) if server.name not in ordered]


def _leaving(site: Site, observed: Observed, memory: Memory, now: float) -> dict[str, float]:
    kept = _kept(site, observed, memory)
    serving = [server for server in kept if server.ready and server.name not in memory.down]
    useless = [server for server in kept if not server.ready or server.name in memory.down]
    if not serving:
        # Nobody else could serve: whoever was to leave stays until somebody can.
        return {}
    full = len(serving) >= site.servers
    ordered = site.drain | site.restart if full else site.drain
    new = [server for server in _staying(observed, memory) if server.name in ordered]
    if full:
        # Whoever does not serve is missed by nobody, and the youngest has the coldest caches.
        new += (useless + serving[site.servers :])[: len(kept) - site.servers]
    return {**memory.leaving, **{server.name: now for server in new}}


def _stop(site: Site, observed: Observed, memory: Memory, now: float) -> tuple[tuple[Action, ...], Memory]:
    """Stop those that leave once no balancer sends them anything, or has for too long."""
    words = [balancer.routes for balancer in observed.balancers if balancer.alive]
    if None in words:
        # A balancer that says nothing may be sending visitors to any of them, however long that lasts.
        return (), memory
    routes = [route for word in words for route in word or ()]
    going = [s.name for s in observed.servers if s.alive and s.name in memory.leaving and s.name not in memory.stopping]
    reasons = {name: _reason_to_stop(site, routes, name, now - memory.leaving[name]) for name in going}
    actions = tuple(StopServer(reason, name) for name, reason in reasons.items() if reason)
    if not actions:
        return (), memory
    return actions, replace(memory, stopping={**memory.stopping, **{action.server: now for action in actions}})


def _reason_to_stop(site: Site, routes: list[RouteSeen], name: str, since: float) -> str:
    statuses = [route.status for route in routes if route.server == name]
    if not statuses:
        return f"{name} has drained: no balancer sends it anything"
    # "up": that balancer has not begun to drain it.
    if since > site.stop_timeout and "up" not in statuses:
        return f"{name} still has requests after servers.stop_timeout = {site.stop_timeout:g} s"
    return ""


def _start(site: Site, observed: Observed, memory: Memory, now: float) -> tuple[tuple[Action, ...], Memory]:
    kept = _kept(site, observed, memory)
    starting = sum(s.alive and not s.ready and s.name not in memory.stopping for s in observed.servers)
    # After a death something is wrong with the application: one attempt at a time shows whether it still is.
    number = min(site.servers - len(kept), (1 if memory.deaths else AT_ONCE) - starting)
    warm_up = observed.warm is not None and not (observed.warm.alive and observed.warm.ready)
    if number <= 0 or now < memory.retry_at or warm_up:
        return (), memory
    replacing = any(s.name in site.drain | site.restart for s in observed.servers)
    why = "an operator asked for replacements" if replacing else f"{site.servers} servers are wanted"
    first = memory.next_server
    actions = tuple(StartServer(f"{why}, {len(kept)} are there", f"s{first + index}") for index in range(number))
    return actions, replace(memory, next_server=first + number)


def _warm(observed: Observed, memory: Memory, now: float) -> tuple[Memory, tuple[Action, ...]]:
    """Keep a warm process. `warm_retry_at` also keeps a second one from being started while the first appears."""
    warm = observed.warm
    if warm is not None and warm.alive and warm.missed >= WARM_MISSED:
        return memory, (KillWarm(f"the warm process missed {warm.missed} heartbeats in a row"),)
    if warm is None or warm.alive or now < memory.warm_retry_at:
        return memory, ()
    young = warm.started > 0 and now - warm.started < YOUNG
    deaths = memory.warm_deaths + 1 if young else 0
    memory = replace(memory, warm_deaths=deaths, warm_retry_at=now + max(0.5, pause(deaths)))
    reason = "the warm process is gone" if warm.started else "servers are forked from a warm process"
    return memory, (StartWarm(reason),)
