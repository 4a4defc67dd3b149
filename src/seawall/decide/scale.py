"""How many servers: starts what is missing, retires what is too many, replaces what an operator wants replaced."""

from dataclasses import replace

from seawall.decide.backoff import YOUNG, pause
from seawall.model import Action, Memory, Observed, Plan, ServerSeen, Site, StartServer, StartWarm

AT_ONCE = 8  # servers starting at the same time: more only slow each other, and the visitors, down


def decide(site: Site, observed: Observed, memory: Memory, now: float) -> Plan:
    memory, warm = _warm(observed, memory, now)
    leaving = _leaving(site, observed, memory, now)
    if leaving != memory.leaving:
        memory = replace(memory, leaving=leaving)
    started, memory = _start(site, observed, memory, now)
    return Plan(warm + started, memory)


def _staying(observed: Observed, memory: Memory) -> list[ServerSeen]:
    """Servers that are there to stay, oldest first."""
    gone = memory.leaving.keys() | memory.stopping.keys()
    return [server for server in observed.servers if server.alive and server.name not in gone]


def _leaving(site: Site, observed: Observed, memory: Memory, now: float) -> dict[str, float]:
    staying = _staying(observed, memory)
    leaving = dict(memory.leaving)
    leaving |= {server.name: now for server in staying if server.name in site.drain}
    kept = [server for server in staying if server.name not in site.drain | site.restart]
    ready = [server for server in kept if server.ready]
    if len(ready) >= site.servers:
        leaving |= {server.name: now for server in staying if server.name in site.restart}
        # Whoever is not ready yet serves nobody, and the youngest has the coldest caches.
        surplus = [s for s in kept if not s.ready] + ready[site.servers :]
        leaving |= {server.name: now for server in surplus[: len(kept) - site.servers]}
    return leaving


def _start(site: Site, observed: Observed, memory: Memory, now: float) -> tuple[tuple[Action, ...], Memory]:
    kept = [s for s in _staying(observed, memory) if s.name not in site.restart]
    missing = site.servers - len(kept)
    possible = AT_ONCE - sum(not server.ready for server in kept)
    number = min(missing, possible)
    if memory.deaths > 0:
        # Something is wrong with the application: one attempt at a time shows whether it still is.
        number = min(number, 1 - sum(not server.ready for server in kept))
    warm_up = observed.warm is not None and not (observed.warm.alive and observed.warm.ready)
    if number <= 0 or now < memory.retry_at or warm_up:
        return (), memory
    replacing = any(s.name in site.restart for s in observed.servers)
    why = "an operator asked for replacements" if replacing else f"{site.servers} servers are wanted"
    first = memory.next_server
    actions = tuple(StartServer(f"{why}, {len(kept)} are there", f"s{first + index}") for index in range(number))
    return actions, replace(memory, next_server=first + number)


def _warm(observed: Observed, memory: Memory, now: float) -> tuple[Memory, tuple[Action, ...]]:
    """Keep a warm process. `warm_retry_at` also keeps a second one from being started while the first appears."""
    warm = observed.warm
    if warm is None or warm.alive or now < memory.warm_retry_at:
        return memory, ()
    young = warm.started > 0 and now - warm.started < YOUNG
    deaths = memory.warm_deaths + 1 if young else 0
    memory = replace(memory, warm_deaths=deaths, warm_retry_at=now + max(0.5, pause(deaths)))
    reason = "the warm process is gone" if warm.started else "servers are forked from a warm process"
    return memory, (StartWarm(reason),)
