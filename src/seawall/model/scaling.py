"""What is remembered of the load, and of how many servers it needed."""

from dataclasses import dataclass
from typing import NamedTuple


class Sample(NamedTuple):
    """What had been counted at one moment; see `Load`."""

    at: float
    arrived: int
    finished: int
    work: float
    processor: float = 0.0


@dataclass(frozen=True)
class Demand:
    """What the last readings tell. Never on record: the next control plane reads anew."""

    samples: tuple[Sample, ...] = ()  # oldest first
    service: float = 0.0  # s a request is in a server; 0: not known yet
    peaks: tuple[tuple[float, int], ...] = ()  # when how many servers were needed: those that none after them exceeds
    starting: frozenset[str] = frozenset()  # servers that have not been ready yet
    why: str = ""  # the sentence of the last decision


@dataclass(frozen=True)
class Sizing:
    """How many servers there are to be. On record: it changes only with the number."""

    wanted: int = 0  # 0: not decided yet
    raised_at: float = 0.0  # the last step up
    lowered_at: float = 0.0  # the last step down
    regret: float = 1.0  # how many times longer than usual servers stay, since some were missed that had gone
    regretted_at: float = 0.0
    start: float = 0.0  # s from asking for a server until it serves, as measured; 0: not measured yet
