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

AT_WORK = 10.0  # s for which a death at work is remembered
SAID = 3  # of them that are worth telling
STORM, STORM_PAUSE = 40, 0.5  # more of them than this leave no processor for visitors: s between two attempts
TERM_GRACE = 35.0  # s between SIGTERM and SIGKILL: longer than a server's own time to finish


def decide(site: Site, observed: Observed, memory: Memory, now: float) -> Plan:
    actions: list[Action] = []
    events: list[Event] = []
    recent = tuple(died for died in memory.died_at_work if now - died < AT_WORK)
    memory = memory if recent == memory.died_at_work else replace(memory, died_at_work=recent)
    for server in observed.servers:
        if not server.alive:
            memory, action, event = _dead(server, memory, now)
            actions.append(action)
            events += [event] if event else []
    living = [server for server in observed.servers if server.alive]
    failing = _failing(observed)
    if failing is not None:
        memory = _note_down({s.name for s in living} & failing, memory, now)
    calm = now - memory.retry_at > YOUNG and all(s.ready and now - s.started > YOUNG for s in living)
    # When the last one died, and since when one has become ready: then they do not die in a row any more.
    died = memory.retry_at - pause(memory.deaths)
    if memory.deaths and living and (calm or any(s.ready and s.started >= died for s in living)):
        memory = replace(memory, deaths=0, last_death=0.0)
    for server in living:
        step = _end(site, memory, server, now)
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
    reason = f"{server.name} died after {lived:.1f} s: {how}"
    if server.ready:
        memory, event = _died_at_work(server, how, memory, now)
        return memory, ForgetServer(reason, server.name), event
    if server.started < memory.last_death:
        # It was on its way when another one died: that is one attempt that failed, of several servers.
        return memory, ForgetServer(reason, server.name), None
    deaths = memory.deaths + 1
    wait = pause(deaths)
    memory = replace(memory, deaths=deaths, last_death=now, retry_at=now + wait)
    event = None
    if wait:
        text = f"servers keep dying ({deaths} in a row, the last after {lived:.1f} s: {how}); next try in {wait:g} s"
        event = Event("crash-loop", server.name, text)
    return memory, ForgetServer(reason, server.name), event


def _died_at_work(server: ServerSeen, how: str, memory: Memory, now: float) -> tuple[Memory, Event | None]:
    """The next one serves as well as it did, so nobody has to wait for it, unless they die as fast as they are made."""
    died = (*memory.died_at_work, now)
    text = (
        f"{len(died)} servers died at their work within {AT_WORK:g} s, the last one: {how}. What they say: seawall logs"
    )
    event = Event("dying", server.name, text) if len(died) == SAID else None
    return replace(
        memory, died_at_work=died, retry_at=now + STORM_PAUSE if len(died) > STORM else memory.retry_at
    ), event


def _failing(observed: Observed) -> set[str] | None:
    """The servers the active balancer gets no heartbeat from. None, which means hold, if it does not say."""
    active = next((b for b in observed.balancers if b.name == observed.active), None)
    if active is None or active.routes is None:
        return None
    return {route.server for route in active.routes if route.status == "down"}


def _note_down(failing: set[str], memory: Memory, now: float) -> Memory:
    down = {name: memory.down.get(name, now) for name in sorted(failing)}
    return memory if down == memory.down else replace(memory, down=down)


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
