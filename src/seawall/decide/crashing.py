"""Which requests are refused for a while, because servers die of them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from seawall.lost import Crashes, Refusal, Refused, RequestDeath, path_of
from seawall.model import Event, Memory, Observed, Plan, Site

FIRST = 10.0  # s a request is refused when it has been proven once; twice as long each further time
LONGEST = 60.0  # s: the cause may be gone, and finding out costs two servers
FORGOTTEN = 3600.0  # s after the last proof
SAME_PATH = 3  # so many different queries prove that the path itself is the cause
MOST = 100  # targets, and paths, that are remembered: the newest


def decide(site: Site, observed: Observed, memory: Memory, now: float) -> Plan:
    # Other code may have cured it.
    serving = max((server.generation for server in observed.servers if server.ready), default=memory.crashes.generation)
    before = memory.crashes if serving <= memory.crashes.generation else Crashes(generation=serving)
    crashes, events = remember(observed.deaths, before, now)
    return Plan((), memory if crashes == memory.crashes else replace(memory, crashes=crashes), events)


def remember(deaths: Sequence[RequestDeath], remembered: Crashes, now: float) -> tuple[Crashes, tuple[Event, ...]]:
    """What to remember after `deaths`, each of which proves that its target kills servers, and what to say."""
    targets, paths = _fresh(remembered.targets, now), _fresh(remembered.paths, now)
    events: list[Event] = []
    for death in deaths:
        cause = f"{death.visitor} {death.target}"
        targets = _proven(targets, cause, now)
        servers = ", ".join(death.servers) if death.servers[1:] else f"the second was {death.servers[0]}"
        told = f"{death.method} {death.target} ended two servers: {servers}"
        until = f"it was answered 502 and is refused to {death.visitor} for {targets[cause].seconds:g} s"
        events.append(Event("request-killed", death.servers[-1], f"{told}; {until}"))
        path = f"{death.visitor} {path_of(death.target)}"
        if sum(_path(target) == path for target in targets) >= SAME_PATH:
            paths = _proven(paths, path, now)
            told = f"{path_of(death.target)} ended servers with {SAME_PATH} or more different queries"
            until = f": all of it is refused to {death.visitor} for {paths[path].seconds:g} s"
            events.append(Event("path-refused", death.servers[-1], f"{told}{until}"))
    return Crashes(targets, paths, remembered.generation), tuple(events)


def refused(remembered: Crashes, now: float) -> Refused:
    """What balancers are to refuse now."""
    return Refused(
        frozenset(target for target, refusal in remembered.targets.items() if refusal.active(now)),
        frozenset(path for path, refusal in remembered.paths.items() if refusal.active(now)),
    )


def _path(cause: str) -> str:
    visitor, _, target = cause.partition(" ")
    return f"{visitor} {path_of(target)}"


def _proven(known: Mapping[str, Refusal], key: str, now: float) -> dict[str, Refusal]:
    before = known.get(key)
    seconds = min(LONGEST, before.seconds * 2) if before else FIRST
    others = {other: refusal for other, refusal in known.items() if other != key}
    return dict([*others.items(), (key, Refusal(now, seconds))][-MOST:])


def _fresh(known: Mapping[str, Refusal], now: float) -> dict[str, Refusal]:
    return {key: refusal for key, refusal in known.items() if now - refusal.since < FORGOTTEN}
