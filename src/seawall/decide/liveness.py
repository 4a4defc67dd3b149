"""Which servers are alive, which are hung, and which are dead."""

from collections.abc import Mapping
from dataclasses import replace

from seawall.decide.backoff import YOUNG, pause
from seawall.model import (
    Action,
    Event,
    ForgetServer,
    KillServer,
    Memory,
    Observed,
    Plan,
    ServerSeen,
    Site,
)

TERM_GRACE = 35.0  # s between SIGTERM and SIGKILL: longer than a server's own time to finish


def decide(site: Site, observed: Observed, memory: Memory, now: float) -> Plan:
    actions: list[Action] = []
    events: list[Event] = []
    for server in observed.servers:
        if not server.alive:
            memory, action, event = _dead(server, _has_served(observed, server.name), memory, now)
            actions.append(action)
            events += [event] if event else []
    living = [server for server in observed.servers if server.alive]
    failing = _failing(observed)
    if failing is not None:
        memory = _note_down({s.name for s in living} & failing, memory, now)
    calm = now - memory.retry_at > YOUNG and all(s.ready and now - s.started > YOUNG for s in living)
    if memory.deaths and living and calm:
        memory = replace(memory, deaths=0)
    for server in living:
        step = _end(site, memory, server, now)
        actions += [step] if step else []
    return Plan(tuple(actions), memory, tuple(events))


def _dead(server: ServerSeen, served: bool, memory: Memory, now: float) -> tuple[Memory, Action, Event | None]:
    asked = server.name in memory.stopping
    how = server.ending or "its process is gone"
    memory = replace(
        memory,
        leaving=_without(memory.leaving, server.name),
        stopping=_without(memory.stopping, server.name),
        down=_without(memory.down, server.name),
    )
    if asked:
        return memory, ForgetServer(f"{server.name} has stopped as asked", server.name), None
    lived = now - server.started
    reason = f"{server.name} died after {lived:.1f} s: {how}"
    if server.ready and served:
        # It died at its work, not at its start: the next one serves as well as it did, so nobody has to wait for it.
        return memory, ForgetServer(reason, server.name), None
    deaths = memory.deaths + 1 if lived < YOUNG or not server.ready else 0
    wait = pause(deaths)
    memory = replace(memory, deaths=deaths, retry_at=now + wait)
    event = None
    if wait:
        text = f"servers keep dying ({deaths} in a row, the last after {lived:.1f} s: {how}); next try in {wait:g} s"
        event = Event("crash-loop", server.name, text)
    return memory, ForgetServer(reason, server.name), event


def _failing(observed: Observed) -> set[str] | None:
    """The servers the active balancer gets no heartbeat from. None, which means hold, if it does not say."""
    active = next((b for b in observed.balancers if b.name == observed.active), None)
    if active is None or active.routes is None:
        return None
    return {route.server for route in active.routes if route.status == "down"}


def _note_down(failing: set[str], memory: Memory, now: float) -> Memory:
    down = {name: memory.down.get(name, now) for name in sorted(failing)}
    return memory if down == memory.down else replace(memory, down=down)


def _has_served(observed: Observed, name: str) -> bool:
    """Whether any balancer has given a server a request."""
    return any(route.served for b in observed.balancers for route in b.routes or () if route.server == name)


def _end(site: Site, memory: Memory, server: ServerSeen, now: float) -> Action | None:
    """Whether a living server is to be ended now."""
    name = server.name
    if name in memory.stopping:
        late = now - memory.stopping[name] > TERM_GRACE
        return KillServer(f"{name} did not stop within {TERM_GRACE:g} s of being asked", name) if late else None
    if not server.ready and now - server.started > site.start_timeout:
        return KillServer(f"{name} did not answer within servers.start_timeout = {site.start_timeout:g} s", name)
    if server.hung:
        return KillServer(f"{name} {server.hung}", name)
    return None


def _without(mapping: Mapping[str, float], key: str) -> dict[str, float]:
    return {name: since for name, since in mapping.items() if name != key}
