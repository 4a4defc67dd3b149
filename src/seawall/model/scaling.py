"""What is remembered of the load, and of how many servers it needed."""

from dataclasses import dataclass, field
from typing import NamedTuple


class Sample(NamedTuple):
    """What had been counted at one moment; see `Load`."""

    at: float
    arrived: int
    finished: int
    work: float
    processor: float = 0.0
    busy: float = 0.0


class Rate(NamedTuple):
    """How many requests so many servers finished while more waited all the time."""

    servers: int
    finished: int
    seconds: float
    at: float  # when that ended


@dataclass(frozen=True)
class Capacity:
    """Whether more servers help. `most` servers are to be there while they do not, or while that is tried out."""

    servers: int = 0  # that have been ready since `began`, while requests waited all the time; 0: none wait
    began: float = 0.0
    before: int = 0  # requests finished until then
    since: float = 0.0  # they have settled
    finished: int = -1  # requests finished until then; -1: they have not
    quiet_since: float = 0.0  # nothing waits
    rates: tuple[Rate, ...] = ()  # one for each number of servers, the newest last
    trial: tuple[Rate, Rate] | None = None  # with few and with many servers: some were taken out to be sure
    most: int = 0  # 0: no limit is known
    until: float = 0.0  # the limit, or the trial, holds
    sure_until: float = 0.0  # no other trial before
    told_at: float = 0.0  # that the processors are full
    why: str = ""  # what keeps more servers from helping


@dataclass(frozen=True)
class Demand:
    """What the last readings tell. Not on record: the next control plane reads anew."""

    samples: tuple[Sample, ...] = ()  # oldest first
    service: float = 0.0  # s a request is in a server; 0: not known yet
    places: float = 0.0  # in servers that are needed on average
    peaks: tuple[tuple[float, int], ...] = ()  # when how many servers were needed: those that none after them exceeds
    starting: frozenset[str] = frozenset()  # servers that have not been ready yet
    capacity: Capacity = field(default_factory=Capacity)
    why: str = ""  # the sentence of the last decision


@dataclass(frozen=True)
class Sizing:
    """How many servers there are to be. On record, so it changes seldom."""

    wanted: int = 0  # 0: not decided yet
    raised_at: float = 0.0  # the last step up
    lowered_at: float = 0.0  # the last step down
    regret: float = 1.0  # how many times longer than usual servers stay, since some were missed that had gone
    regretted_at: float = 0.0
    start: float = 0.0  # s from asking for a server until it serves, as measured; 0: not measured yet
    service: float = 0.0  # s a request is in a server, about; 0: not known yet
