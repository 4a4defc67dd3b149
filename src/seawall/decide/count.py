"""How many servers the site is to have: more at once when the load needs them, one fewer at a time when it has gone."""

import math
from dataclasses import dataclass, replace

from seawall.decide import capacity, demand, erlang, sleep
from seawall.decide.demand import Offered
from seawall.decide.fleet import kept, replacing
from seawall.model import Demand, Event, Memory, Observed, Plan, Site, Sizing

OLD = 1.0  # s after which a reading says nothing of the present
CLEAR = 0.5  # s in which a backlog is to be worked off, or as long as a server takes to start
STEP = 1 / 12  # of Site.hold between two steps down
HOLDS = 5  # times Site.hold is the longest that servers stay, were they not missed before
START_HOLDS = 1.25  # times Site.hold, for each second that a server takes to start, servers stay at least
REGRETTED = 5  # times Site.hold within which a step down is regretted if it is needed again
QUIET = 10  # times Site.hold after which a regret is half forgotten
MOST_REGRET = 10.0
COMPUTES = 3.0  # s over which the use of processors is measured
ONE = 0.8  # of a processor: a server that uses more has requests that wait for it inside
SLOW = 1.0  # s that servers take to start, from which on a forecast is worth having
LEARNED = 1.0  # days of experience before it counts
CHANGED = 1.5  # times shorter or longer than on record is the time of a request put on record anew


def wanted(site: Site, memory: Memory) -> int:
    """The number of servers that are to serve."""
    return 0 if sleep.asleep(site, memory) else _within(site, memory, _law(site, memory))


def _within(site: Site, memory: Memory, number: int) -> int:
    return max(1, site.min, min(number, _most(site, memory)))


def _most(site: Site, memory: Memory) -> int:
    """What the settings allow, or fewer where more do not help."""
    return min(site.max, memory.demand.capacity.most or site.max)


@dataclass(frozen=True)
class Need:
    """How many servers the load needs, and the sentence that says so."""

    base: int  # for what comes
    keep: int  # for what is expected to come, too
    number: int  # to work off what waits, too
    why: str


def decide(site: Site, observed: Observed, memory: Memory, now: float) -> Plan:
    """Changes only what is remembered; decide/servers.py makes it so."""
    if sleep.asleep(site, memory):
        memory = replace(memory, sizing=_smallest(memory))
        return Plan(
            (), replace(memory, demand=Demand(service=memory.demand.service, why="nobody comes: the site sleeps"))
        )
    memory = _starts(observed, memory, now)
    if hold := _cannot_tell(site, observed, memory, now):
        # What was needed before it is old when it ends: then the present number counts like a need of that moment.
        held = replace(memory.demand, why=hold.why, peaks=())
        if hold.blind:
            held = replace(held, samples=(), capacity=capacity.forgotten(held.capacity))
        return Plan((), replace(memory, demand=held))
    assert observed.load is not None, "_cannot_tell holds without it"
    before = replace(memory.demand, service=memory.demand.service or memory.sizing.service)
    noted = demand.note(before, observed.load)
    offered = demand.offered(noted, observed.load)
    need = _need(site, observed, offered, replace(memory, demand=noted))
    noted = replace(noted, service=offered.service if offered.known else noted.service, why=need.why)
    noted = replace(noted, places=offered.places + observed.load.streams)
    noted = replace(noted, peaks=_peaks(noted, need.keep, _law(site, memory), now - _hold(site, memory.sizing)))
    ready, present = _ready(observed, memory), wanted(site, memory)
    limits, events = capacity.judge(site, observed.load, noted, ready, present, need.number)
    memory = replace(memory, demand=replace(noted, capacity=limits))
    if limits.most and not limits.trial and _law(site, memory) > limits.most:
        memory = replace(memory, sizing=replace(memory.sizing, wanted=max(1, limits.most)))
    if offered.known:
        memory = replace(memory, sizing=_remembering(memory.sizing, offered.service))
    if min(need.number, _most(site, memory)) > _law(site, memory):
        plan = _up(site, memory, need, now)
    elif need.number < _law(site, memory) and _may_go_down(site, observed, memory, now):
        plan = _down(site, memory, now)
    else:
        plan = Plan((), memory)
    return replace(plan, events=(*events, *plan.events))


def _smallest(memory: Memory) -> Sizing:
    """Who comes after a sleep begins with one server."""
    return memory.sizing if memory.sizing.wanted <= 1 else replace(memory.sizing, wanted=1)


def _remembering(sizing: Sizing, service: float) -> Sizing:
    """With the time of a request where it has changed much: each change is written to the record."""
    same = sizing.service / CHANGED < service < sizing.service * CHANGED
    return sizing if same else replace(sizing, service=service)


def _law(site: Site, memory: Memory) -> int:
    """What the load alone asks for, whatever the settings allow: with other settings it is there to be looked up."""
    return memory.sizing.wanted or max(1, site.min)


@dataclass(frozen=True)
class Hold:
    """Why the number stays as it is. `blind`: what was seen before says nothing of what comes after."""

    why: str
    blind: bool = False


def _cannot_tell(site: Site, observed: Observed, memory: Memory, now: float) -> Hold | None:
    load = observed.load
    if load is None or now - load.at > OLD:
        return Hold("the balancer does not tell the load, so nothing changes", blind=True)
    if _ready(observed, memory) < max(1, site.min):
        # What waits or comes at once now is the start's doing.
        few = f"{site.min} servers are" if site.min > 1 else "one server is"
        return Hold(f"not even {few} ready yet", blind=True)
    if replacing(site, observed):
        return Hold("servers are being replaced; the number stays until that is done")
    return None


def _ready(observed: Observed, memory: Memory) -> int:
    gone = memory.leaving.keys() | memory.stopping.keys() | memory.down.keys()
    return sum(server.alive and server.ready and server.name not in gone for server in observed.servers)


def _need(site: Site, observed: Observed, offered: Offered, memory: Memory) -> Need:
    load, places, service, present = observed.load, offered.places, offered.service, wanted(site, memory)
    assert load is not None, "_cannot_tell holds without it"
    base = max(1, erlang.servers(places, site.slots, service, load.streams))
    clear = max(CLEAR, memory.sizing.start)
    streams = f" and {load.streams} streams" if load.streams else ""
    why = (
        f"{offered.serving:.1f} requests in service, {offered.rate:.3g}/s of {service:.2g} s each{streams} "
        f"need {_servers(base)}, {present} {'are' if present > 1 else 'is'} there"
    )
    if (computing := _computing(site, memory.demand)) > base:
        why += f"; the processors that they use take {computing}"
        base = computing
    # A queue that is gone within the time that people may wait is no backlog.
    free = max(0, _ready(observed, memory) * site.slots - load.streams)
    late = load.queued * (service or erlang.PATIENCE) - free * erlang.PATIENCE
    # However long they take, none of those that are there needs more than one place.
    working = min(places + late / clear, max(places, load.serving) + load.queued)
    backlog = math.ceil((working + load.streams) / site.slots) if late > 0 else 0
    if backlog > base:
        why += f"; to clear the {load.queued} that wait within {clear:.2g} s takes {backlog}"
    foreseen = _foreseen(site, observed, memory, service)
    if foreseen > base:
        why += f"; at this time of the week up to {foreseen} were needed before"
    number = max(base, backlog, foreseen)
    if number > site.max:
        why += f"; servers.max is {site.max}"
    return Need(base, max(base, foreseen), number, why)


def _servers(number: int) -> str:
    return f"{number} server{'s' * (number > 1)}"


def _computing(site: Site, noted: Demand) -> int:
    """The servers that it takes to use as many processors: one of ours uses one, however many places it has."""
    used, _ = capacity.processors(noted.samples, COMPUTES)
    return min(math.ceil(used / ONE), int(site.cores))


def _foreseen(site: Site, observed: Observed, memory: Memory, service: float) -> int:
    """The servers that experience asks for, where they start too slowly to be started when they are needed."""
    expected = observed.expected
    if expected is None or expected.days < LEARNED or memory.sizing.start < SLOW:
        return 0
    return erlang.servers(expected.places, site.slots, service or erlang.PATIENCE)


def _peaks(noted: Demand, base: int, present: int, since: float) -> tuple[tuple[float, int], ...]:
    """With the newest need; without what is older than `since`, or not greater than a later one."""
    at = noted.samples[-1].at
    # Whoever was there before us had his reasons: the present number counts like a need of this moment.
    before = noted.peaks or ((at, present),)
    kept = tuple(peak for peak in before if peak[0] >= since and peak[1] > base)
    return (*kept, (at, base))


def _hold(site: Site, sizing: Sizing) -> float:
    """Seconds that servers stay after the last moment that needed them."""
    return min(HOLDS * site.hold, site.hold * max(1.0, START_HOLDS * sizing.start)) * sizing.regret


def _up(site: Site, memory: Memory, need: Need, now: float) -> Plan:
    sizing = memory.sizing
    missed = (
        need.base > _law(site, memory) and sizing.lowered_at > 0 and now - sizing.lowered_at < REGRETTED * site.hold
    )
    if missed and now - sizing.regretted_at > site.hold:
        sizing = replace(sizing, regret=min(MOST_REGRET, 2 * sizing.regret), regretted_at=now)
    return _changed(site, memory, replace(sizing, wanted=min(need.number, _most(site, memory))), now)


def _may_go_down(site: Site, observed: Observed, memory: Memory, now: float) -> bool:
    sizing = memory.sizing
    assert observed.load is not None, "_cannot_tell holds without it"
    return (
        max(peak for _, peak in memory.demand.peaks) < _law(site, memory)
        and observed.load.complete
        # While there is no whole window, the rate is only what is proven, which is less.
        and demand.before(memory.demand.samples, demand.WINDOW) is not None
        and not memory.leaving
        and all(server.ready for server in kept(site, observed, memory))
        and now - sizing.raised_at >= site.hold
        and now - sizing.lowered_at >= STEP * site.hold
    )


def _down(site: Site, memory: Memory, now: float) -> Plan:
    sizing, most = memory.sizing, max(peak for _, peak in memory.demand.peaks)
    if sizing.regret > 1 and now - sizing.regretted_at > QUIET * site.hold:
        sizing = replace(sizing, regret=max(1.0, sizing.regret / 2), regretted_at=now)
    why = f"no more than {most} {'were' if most > 1 else 'was'} needed in the last {_hold(site, sizing):.0f} s"
    memory = replace(memory, demand=replace(memory.demand, why=why))
    return _changed(site, memory, replace(sizing, wanted=_law(site, memory) - 1), now)


def _changed(site: Site, memory: Memory, sizing: Sizing, now: float) -> Plan:
    """With another number; what the settings do not let happen is no event."""
    before, after = wanted(site, memory), _within(site, memory, sizing.wanted)
    if after == before:
        return Plan((), replace(memory, sizing=sizing))
    up = after > before
    sizing = replace(sizing, raised_at=now) if up else replace(sizing, lowered_at=now)
    event = Event("scale-up" if up else "scale-down", "site", f"from {before} to {after}: {memory.demand.why}")
    return Plan((), replace(memory, sizing=sizing), (event,))


def _starts(observed: Observed, memory: Memory, now: float) -> Memory:
    """How long servers take to start, by those that have become ready since the last look."""
    starting = frozenset(server.name for server in observed.servers if server.alive and not server.ready)
    took = [
        now - server.started for server in observed.servers if server.ready and server.name in memory.demand.starting
    ]
    if starting != memory.demand.starting:
        memory = replace(memory, demand=replace(memory.demand, starting=starting))
    if took:
        known, mean = memory.sizing.start, sum(took) / len(took)
        memory = replace(memory, sizing=replace(memory.sizing, start=(known + mean) / 2 if known else mean))
    return memory
