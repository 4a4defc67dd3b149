"""When a site with `servers.min = 0` has no server: from `servers.idle` after the last request to the next request."""

from dataclasses import replace

from seawall.model import BalancerSeen, Event, Memory, Observed, Plan, Site

IDLE = 60.0  # s, where the next request waits for a fork
IDLE_COLD = 600.0  # s, where it waits for a whole start


def asleep(site: Site, memory: Memory) -> bool:
    """Whether no server is wanted."""
    return site.min == 0 and memory.asleep_since is not None


def idle(site: Site, observed: Observed) -> float:
    """Seconds without a request after which the site falls asleep."""
    return site.idle if site.idle is not None else IDLE_COLD if observed.warms is None else IDLE


def decide(site: Site, observed: Observed, memory: Memory, now: float) -> Plan:
    """Remember since when nobody asks for anything, fall asleep, and wake up."""
    if site.min > 0:
        return _always_awake(memory)
    somebody = _somebody(observed, memory)
    counted = {_counter(b): b.requests for b in observed.balancers if b.requests is not None}
    memory = replace(memory, requests={**memory.requests, **counted})
    if memory.asleep_since is not None:
        if somebody:
            memory = replace(memory, asleep_since=None, idle_since=now, waking_since=now)
        return Plan((), memory)
    events: tuple[Event, ...] = ()
    if memory.waking_since is not None and _serves(observed):
        took = f"a server took the first request {1000 * (now - memory.waking_since):.0f} ms after it had come"
        events, memory = (Event("wake", "site", took),), replace(memory, waking_since=None)
    if somebody or (memory.idle_since is None and somebody is False):
        memory = replace(memory, idle_since=now)
    why = _why_sleep(site, observed, memory, now) if somebody is False else ""
    if why:
        events += (Event("sleep", "site", f"{why}; the next request starts a server"),)
        memory = replace(memory, asleep_since=now, waking_since=None)
    return Plan((), memory, events)


def _always_awake(memory: Memory) -> Plan:
    if memory.asleep_since is None and memory.idle_since is None:
        return Plan((), memory)
    woken = memory.asleep_since is not None
    events = (Event("wake", "site", "servers.min is above 0"),) if woken else ()
    return Plan((), replace(memory, asleep_since=None, idle_since=None, waking_since=None, requests={}), events)


def _somebody(observed: Observed, memory: Memory) -> bool | None:
    """Whether anybody asks for anything, or has since the last look. None: a balancer does not say."""
    alive = [balancer for balancer in observed.balancers if balancer.alive]
    if observed.knocked or any(balancer.current or _came(balancer, memory) for balancer in alive):
        return True
    return None if not alive or any(balancer.requests is None for balancer in alive) else False


def _came(balancer: BalancerSeen, memory: Memory) -> bool:
    """A balancer that starts anew counts from 0, and each strategy by itself."""
    before = memory.requests.get(_counter(balancer))
    return before is not None and balancer.requests is not None and balancer.requests > before


def _counter(balancer: BalancerSeen) -> str:
    return f"{balancer.name} {balancer.strategy}"


def _why_sleep(site: Site, observed: Observed, memory: Memory, now: float) -> str:
    if not memory.opened or memory.idle_since is None:
        return ""
    if now < memory.retry_at and not can_serve(observed, memory):
        return "the application does not start, and nobody waits for it any more"
    limit = idle(site, observed)
    # What has never served must not be taken for a site in good order.
    if now - memory.idle_since < limit or not _serves(observed):
        return ""
    return f"nobody has come for {limit:g} s"


def can_serve(observed: Observed, memory: Memory) -> bool:
    """Whether a server is ready, well, and to stay."""
    gone = memory.leaving.keys() | memory.stopping.keys() | memory.down.keys()
    return any(server.alive and server.ready and server.name not in gone for server in observed.servers)


def _serves(observed: Observed) -> bool:
    active = next((balancer for balancer in observed.balancers if balancer.name == observed.active), None)
    return any(route.status == "up" for route in (active.routes if active else None) or ())
