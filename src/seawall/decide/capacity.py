"""Whether more servers help: what they finish is compared with what fewer finished, while requests waited all the time.

Twice the servers that finish as much say that something else is used up: a lock, a database, the processor. Without a
queue the comparison would say nothing: then the servers finish what comes, however many there are.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

from seawall.decide.demand import before
from seawall.model import Capacity, Demand, Event, Load, Rate, Sample, Site

SETTLE, LONGEST = 1.0, 20.0  # s, or twice the time of a request, until new servers show what they do
MEASURED = 5.0  # s with a queue throughout that are compared
ENDS = 60.0  # s after which a trial without an answer ends
SHORTEST = 0.25  # s with a queue, before servers were added, from which on they are compared
FEW = 5  # finished requests, below which that says nothing
HELPS, CERTAIN = 0.5, 0.7  # growth of the rate with the servers (1: as many times more): less does not help
LAST = 120.0  # s for which a rate is remembered
LIFTED = 10  # times Site.hold after which it is tried again whether more servers help
FULL = 0.85  # of the processors: if the servers use as much, more of them would only share it
BUSY, MUCH = 0.95, 0.35  # the same where others use the rest, as the database may
SPAN = 1.0  # s over which that is measured
HELD = 5.0  # s for which nothing is added after that


def growth(few: Rate, many: Rate) -> tuple[float, float]:
    """By which power of the number of servers the rate grows, and the standard error of that.

    ln(X₂/X₁)/ln(k₂/k₁): 1 where each server does as much as before, 0 where more of them do no more in all.
    """
    ratio = math.log(many.servers / few.servers)
    grown = math.log((many.finished / many.seconds) / (few.finished / few.seconds)) / ratio
    return grown, math.sqrt(1 / few.finished + 1 / many.finished) / ratio


def helps_not(few: Rate, many: Rate) -> bool:
    grown, error = growth(few, many)
    return grown < HELPS and grown + 2 * error < CERTAIN


def _helps(few: Rate, many: Rate) -> bool:
    grown, error = growth(few, many)
    return grown - 2 * error > HELPS


def judge(
    site: Site, load: Load, demand: Demand, ready: int, wanted: int, needed: int
) -> tuple[Capacity, tuple[Event, ...]]:
    """What is known of the capacity now, and what to say of it.

    So many servers are `ready`, so many were `wanted` until now, and so many are `needed` by the load alone.
    """
    now = load.at
    known = _measured(load, demand, ready, now)
    if known.trial:
        return _tried(site, load, demand, known, now)
    if now >= known.until or (known.quiet_since and now - known.quiet_since >= site.hold):
        known = replace(known, most=0, why="")
    if needed <= wanted:
        return known, ()
    if ready >= site.cores and full(site, demand.samples):
        return _full(site, known, wanted, processors(demand.samples)[0], now)
    present = _present(known, load, now)
    slower = [few for few in known.rates if present and few.servers < ready and helps_not(few, present)]
    if present and slower and now >= known.sure_until:
        return _try(known, slower[0], present, now)
    return known, ()


def processors(samples: Sequence[Sample], seconds: float = SPAN) -> tuple[float, float]:
    """How many processors the servers have used in the last seconds, and what share of them the whole machine."""
    since = before(samples, seconds) if samples else None
    if since is None:
        return 0.0, 0.0
    span = samples[-1].at - since.at
    return (samples[-1].processor - since.processor) / span, (samples[-1].busy - since.busy) / span


def full(site: Site, samples: Sequence[Sample]) -> bool:
    """Whether it is the servers that leave no processor idle, alone or for the most part."""
    used, busy = processors(samples)
    return used > FULL * site.cores or (busy > BUSY and used > MUCH * site.cores)


def forgotten(known: Capacity) -> Capacity:
    """After a time in which nobody knows what happened."""
    return replace(known, servers=0, quiet_since=0.0, rates=())


def _measured(load: Load, demand: Demand, ready: int, now: float) -> Capacity:
    """With the present stretch of time in which so many servers worked and requests waited."""
    known = demand.capacity
    if not load.queued:
        # A moment without a queue ends the stretch; after a while the rates say nothing of the load of now.
        quiet = known.quiet_since or now
        return replace(known, servers=0, quiet_since=quiet, rates=known.rates if now - quiet < MEASURED else ())
    known = replace(known, quiet_since=0.0)
    settled = _settled(known, load, now)
    if ready == known.servers:
        settles = known.finished < 0 and now >= known.since
        return replace(known, since=now, finished=load.finished) if settles else known
    rates = tuple(rate for rate in known.rates if rate.servers != known.servers and now - rate.at < LAST)
    # What they did while they settled is less than what they can do: that makes more of them seem to help more.
    stretch = settled or Rate(known.servers, load.finished - known.before, now - known.began, now)
    if known.servers and stretch.finished >= FEW and stretch.seconds >= SHORTEST:
        rates = (*rates, stretch)
    settle = min(LONGEST, max(SETTLE, 2 * demand.service))
    return replace(known, servers=ready, began=now, before=load.finished, since=now + settle, finished=-1, rates=rates)


def _settled(known: Capacity, load: Load, now: float) -> Rate | None:
    """What the servers have done since they have settled."""
    if not known.servers or known.finished < 0 or now <= known.since:
        return None
    return Rate(known.servers, max(1, load.finished - known.finished), now - known.since, now)


def _present(known: Capacity, load: Load, now: float) -> Rate | None:
    """The same, once that was long enough to be compared."""
    rate = _settled(known, load, now)
    return rate if rate and rate.seconds >= MEASURED else None


def _full(site: Site, known: Capacity, wanted: int, used: float, now: float) -> tuple[Capacity, tuple[Event, ...]]:
    rest = "" if used > FULL * site.cores else ", others the rest"
    why = f"the servers use {used:.1f} of {site.cores:g} processors{rest}, and more servers would only share them"
    event = Event("no-more", "site", f"no server is added: {why}. A larger machine or quicker pages would help")
    held = replace(known, most=known.most or wanted, until=max(known.until, now + HELD), why=why)
    if known.told_at and now - known.told_at < LIFTED * site.hold:
        return held, ()
    return replace(held, told_at=now), (event,)


def _try(known: Capacity, few: Rate, many: Rate, now: float) -> tuple[Capacity, tuple[Event, ...]]:
    """Take some out again: pages may have become slower at the very moment when servers were added."""
    fewer = max(few.servers, math.ceil(many.servers / 2))
    why = f"{_told(many)}, and {_told(few)} before, while requests waited"
    event = Event("trial", "site", f"{why}; to be sure, it goes on with {fewer} for some seconds")
    tried = f"it is tried whether more servers help: {why}"
    return replace(known, trial=(few, many), most=fewer, until=now + ENDS, why=tried), (event,)


def _tried(site: Site, load: Load, demand: Demand, known: Capacity, now: float) -> tuple[Capacity, tuple[Event, ...]]:
    assert known.trial, "this ends a trial"
    many, present = known.trial[1], _present(known, load, now)
    given_up = now >= known.until or (known.quiet_since and now - known.quiet_since >= MEASURED)
    until = now + LIFTED * site.hold
    over = replace(known, trial=None, until=until, sure_until=until)
    if present and present.servers == known.most and helps_not(present, many):
        why = f"more servers do not help: {_told(many)}, and {_told(present)}, while requests waited"
        return replace(over, why=why), (Event("no-more", "site", f"{why}. {_advice(site, demand.samples)}"),)
    if given_up or (present and present.servers == known.most and _helps(present, many)):
        text = f"more servers may help: {_told(many)}" + (f", and {_told(present)}" if present else "; that is unsure")
        return replace(over, most=0, why=""), (Event("trial-over", "site", text),)
    return known, ()


def _told(rate: Rate) -> str:
    return f"{rate.servers} servers finished {rate.finished / rate.seconds:.3g}/s"


def _advice(site: Site, samples: Sequence[Sample]) -> str:
    share = f"They use {processors(samples)[0]:.1f} of {site.cores:g} processors"
    if full(site, samples):
        return f"{share}: a larger machine or quicker pages would help"
    return f"{share}, so they wait for one another or for something else: look for a lock, and at the database"
