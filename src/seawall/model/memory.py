"""What is remembered from one decision to the next."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from seawall.lost import Crashes
from seawall.model.scaling import Demand, Sizing


@dataclass(frozen=True)
class Memory:
    """What is remembered. What only describes the last seconds is not put on record (see control/record.py)."""

    next_server: int = 1
    next_warm: int = 1
    opened: bool = False  # a first server has been ready: from now on there are balancers
    leaving: Mapping[str, float] = field(default_factory=dict)  # server → since when it drains
    stopping: Mapping[str, float] = field(default_factory=dict)  # server → since when it was told to stop
    down: Mapping[str, float] = field(default_factory=dict)  # server → since when it fails its heartbeats
    deaths: int = 0  # attempts in a row whose servers died before they were ready
    last_death: float = 0.0  # when that was counted
    died_at_work: tuple[float, ...] = ()  # when servers died that were ready, of the last seconds
    retry_at: float = 0.0  # no new server before this time
    asleep_since: float | None = None  # with servers.min = 0: no server is wanted since then
    idle_since: float | None = None  # nobody has asked for anything since then; None: not known
    waking_since: float | None = None  # somebody waits since then, and no server is up yet
    requests: Mapping[str, int] = field(default_factory=dict)  # balancer and strategy → what it had counted
    crashes: Crashes = field(default_factory=Crashes)  # requests that killed servers
    warm_deaths: int = 0
    warm_retry_at: float = 0.0
    retiring: Mapping[str, float] = field(default_factory=dict)  # balancer → since when it finishes its connections
    balancer_deaths: Mapping[str, int] = field(default_factory=dict)
    balancer_retry_at: Mapping[str, float] = field(default_factory=dict)
    sizing: Sizing = field(default_factory=Sizing)
    demand: Demand = field(default_factory=Demand)
