"""What the load asks for: how many requests come, and how long each is in a server, from what the balancers counted."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from seawall.model import Demand, Load, Sample

WINDOW = 20.0  # s over which the usual rate and the time in a server are measured
LONG = 120.0  # s over which that time is measured where few requests come
ENOUGH = 20  # finished requests by which it is known
SURGES = (0.2, 0.5, 1.0, 3.0, 10.0)  # s: the windows in which a surge may prove itself
ENDED = 3.0  # s: the one of them in which the end of a load may prove itself
DOUBT = 2.0  # taken off √N: four times what chance makes of it, which is ½ whatever N is
GAP = 1.0  # s without a reading, after which the windows begin anew
FINE, MEDIUM, COARSE = 0.09, 0.45, 4.5  # s between two samples that are kept: of the last second, of WINDOW, of LONG


@dataclass(frozen=True)
class Offered:
    """What is asked of the site now."""

    rate: float = 0.0  # requests a second
    service: float = 0.0  # s each is in a server; 0: not known yet
    serving: float = 0.0  # requests in servers, over the last second
    known: bool = False  # enough have been finished to say so; else they take that long at least

    @property
    def places(self) -> float:
        """The mean number of places in use that this rate comes to (Little's law)."""
        return self.rate * self.service


def note(demand: Demand, load: Load) -> Demand:
    """With one more reading, and without those that are too old or too close to one another to matter."""
    last = demand.samples[-1] if demand.samples else None
    sample = Sample(load.at, load.arrived, load.finished, load.work, load.processor, load.busy)
    if last and sample.at <= last.at:
        return demand
    if last is None or sample.at - last.at > GAP or sample.arrived < last.arrived:
        return replace(demand, samples=(sample,))
    return replace(demand, samples=_thinned((*demand.samples, sample)))


def _thinned(samples: tuple[Sample, ...]) -> tuple[Sample, ...]:
    newest = samples[-1].at
    kept: list[Sample] = []
    for sample in samples:
        age = newest - sample.at
        if age > LONG + COARSE:
            continue
        apart = FINE if age <= 1.0 else MEDIUM if age <= WINDOW else COARSE
        if not kept or sample.at - kept[-1].at >= apart or sample is samples[-1]:
            kept.append(sample)
    return tuple(kept)


def offered(demand: Demand, load: Load) -> Offered:
    """What the samples tell. All zero while there are fewer than two."""
    samples = demand.samples
    if len(samples) < 2:
        return Offered(service=demand.service)
    service, known = _service(samples, demand.service, load.serving)
    second = before(samples, 1.0) or samples[0]
    span = samples[-1].at - second.at
    return Offered(_rate(samples), service, (samples[-1].work - second.work) / span, known)


def before(samples: Sequence[Sample], seconds: float) -> Sample | None:
    """The sample that is just so much older than the newest, or a little more; None if none is."""
    latest = samples[-1].at - seconds + FINE / 2
    return next((sample for sample in reversed(samples) if sample.at <= latest), None)


def _rate(samples: Sequence[Sample]) -> float:
    newest = samples[-1]
    usual = before(samples, WINDOW)
    # Until there is a whole window, half of one counts as proven like a surge, so that chance starts no server.
    rate = (newest.arrived - usual.arrived) / (newest.at - usual.at) if usual else _proven(samples[0], newest)
    for seconds in sorted(SURGES, reverse=True):
        if not (since := before(samples, seconds)):
            continue
        if seconds == ENDED:
            # What came before the load ended is no reason to start servers now.
            rate = min(rate, _possible(since, newest))
        rate = max(rate, _proven(since, newest))
    return rate


def _proven(since: Sample, newest: Sample) -> float:
    """The rate that is certainly behind what came."""
    return max(0.0, math.sqrt(newest.arrived - since.arrived) - DOUBT) ** 2 / (newest.at - since.at)


def _possible(since: Sample, newest: Sample) -> float:
    """The rate that may at most be behind it."""
    return (math.sqrt(newest.arrived - since.arrived) + DOUBT) ** 2 / (newest.at - since.at)


def _service(samples: Sequence[Sample], remembered: float, serving: int) -> tuple[float, bool]:
    """Seconds a request is in a server, and whether enough were finished to know; else what is certain at least.

    Little's law on those in servers only: those in the queue cannot inflate it.
    """
    newest = samples[-1]
    for seconds in (WINDOW, LONG):
        since = before(samples, seconds) or samples[0]
        finished, work = newest.finished - since.finished, newest.work - since.work
        if finished >= ENOUGH:
            return max(1e-4, work / finished), True
    # As if all that are in servers were finished now: they take that long at least.
    return max(remembered, work / max(1, finished + serving)), False
