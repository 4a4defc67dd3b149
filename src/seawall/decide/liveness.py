"""Which servers are alive, which are hung, which are dead, and which have been asked to go."""

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
    StopServer,
)

PATIENCE = 10.0  # s without a heartbeat after which even a server that is using the processor counts as hung
TERM_GRACE = 35.0  # s between SIGTERM and SIGKILL: longer than a server's own time to finish


def decide(site: Site, observed: Observed, memory: Memory, now: float) -> Plan:
    actions: list[Action] = []
    events: list[Event] = []
    for server in observed.servers:
        if not server.alive:
            memory, action, event = _dead(server, memory, now)
            actions.append(action)
            events += [event] if event else []
    living = [server for server in observed.servers if server.alive]
    memory = _note_down(observed, living, memory, now)
    if memory.deaths and living and all(s.ready and now - s.started > YOUNG for s in living):
        memory = replace(memory, deaths=0)
    for server in living:
        step = _end(site, observed, memory, server, now)
        if isinstance(step, StopServer):
            memory = replace(memory, stopping={**memory.stopping, server.name: now})
        actions += [step] if step else []
    return Plan(tuple(actions), memory, tuple(events))


def _dead(server: ServerSeen, memory: Memory, now: float) -> tuple[Memory, Action, Event | None]:
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
    deaths = memory.deaths + 1 if lived < YOUNG or not server.ready else 0
    wait = pause(deaths)
    memory = replace(memory, deaths=deaths, retry_at=now + wait)
    reason = f"{server.name} died after {lived:.1f} s: {how}"
    event = None
    if wait:
        text = f"servers keep dying ({deaths} in a row, the last after {lived:.1f} s: {how}); next try in {wait:g} s"
        event = Event("crash-loop", server.name, text)
    return memory, ForgetServer(reason, server.name), event


def _note_down(observed: Observed, living: list[ServerSeen], memory: Memory, now: float) -> Memory:
    """Remember since when the active balancer has had no heartbeat from a server. No word from it: hold."""
    active = next((b for b in observed.balancers if b.name == observed.active), None)
    if active is None or active.routes is None:
        return memory
    failing = {route.server for route in active.routes if route.status == "down"}
    down = {s.name: memory.down.get(s.name, now) for s in living if s.name in failing}
    return memory if down == memory.down else replace(memory, down=down)


def _end(site: Site, observed: Observed, memory: Memory, server: ServerSeen, now: float) -> Action | None:
    """Whether, and how, a living server is to be ended now."""
    name = server.name
    if name in memory.stopping:
        late = now - memory.stopping[name] > TERM_GRACE
        return KillServer(f"{name} did not stop within {TERM_GRACE:g} s of being asked", name) if late else None
    if not server.ready and now - server.started > site.start_timeout:
        return KillServer(f"{name} did not answer within servers.start_timeout = {site.start_timeout:g} s", name)
    if name in memory.down:
        since = now - memory.down[name]
        if server.frozen:
            return KillServer(f"{name} fails its heartbeats and does nothing: hung", name)
        if since > PATIENCE:
            return KillServer(f"{name} has failed its heartbeats for {since:.0f} s: hung", name)
    if name in memory.leaving:
        return _stop_when_idle(site, observed, memory, server, now)
    return None


def _stop_when_idle(site: Site, observed: Observed, memory: Memory, server: ServerSeen, now: float) -> Action | None:
    name = server.name
    if now - memory.leaving[name] > site.stop_timeout:
        return StopServer(f"{name} still has requests after servers.stop_timeout = {site.stop_timeout:g} s", name)
    speaking = [balancer for balancer in observed.balancers if balancer.alive]
    if any(balancer.routes is None for balancer in speaking):
        return None
    if any(route.server == name for balancer in speaking for route in balancer.routes or ()):
        return None
    return StopServer(f"{name} has drained: no balancer sends it anything", name)


def _without(mapping: Mapping[str, float], key: str) -> dict[str, float]:
    return {name: since for name, since in mapping.items() if name != key}
