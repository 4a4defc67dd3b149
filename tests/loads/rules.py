"""How many servers others would have: the rules of Kubernetes' HPA and of Knative's autoscaler, from their sources.

Both see what our own decision sees, once a tick, and keep their own windows.
"""

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Moment:
    """A fleet at `now` (s): servers that serve and that start, requests in them and waiting, requests one works on."""

    now: float
    ready: int
    starting: int
    serving: float
    waiting: float
    slots: int

    @property
    def servers(self) -> int:
        return self.ready + self.starting


class Rule(Protocol):
    def wanted(self, seen: Moment) -> int:
        """How many servers there are to be, between no limits."""


@dataclass
class Mean:
    """The mean of a level over the last `seconds`, from samples that came at any time."""

    seconds: float
    samples: deque[tuple[float, float]] = field(default_factory=deque)

    def add(self, now: float, level: float) -> None:
        self.samples.append((now, level))
        while self.samples[0][0] <= now - self.seconds:
            self.samples.popleft()

    @property
    def value(self) -> float:
        return sum(level for _, level in self.samples) / len(self.samples)


@dataclass
class Hpa:
    """Kubernetes' HorizontalPodAutoscaler on utilisation, with its defaults (pkg/controller/podautoscaler)."""

    target: float = 0.8
    every: float = 15.0
    tolerance: float = 0.1
    down_window: float = 300.0
    _use: Mean = field(default_factory=lambda: Mean(15.0))
    _next: float = 0.0
    _last: int = 0
    _recommended: list[tuple[float, int]] = field(default_factory=list)

    def wanted(self, seen: Moment) -> int:
        self._use.add(seen.now, seen.serving)
        self._next = self._next or seen.now + self.every
        if seen.now < self._next:
            return self._last or seen.servers
        self._next += self.every
        want = min(self._from_use(seen), max(seen.servers + 4, 2 * seen.servers))
        self._recommended = [(at, n) for at, n in self._recommended if at > seen.now - self.down_window]
        self._recommended.append((seen.now, want))
        if want < seen.servers:
            want = min(seen.servers, max(n for _, n in self._recommended))
        self._last = want
        return want

    def _from_use(self, seen: Moment) -> int:
        if not seen.ready:
            return max(seen.servers, 1)
        # Processor time is what it usually sees: a server cannot be more than fully used.
        ratio = min(self._use.value / (seen.ready * seen.slots * self.target), 1 / self.target)
        if abs(ratio - 1) <= self.tolerance:
            return seen.servers
        if not seen.starting:
            return math.ceil(ratio * seen.ready - 1e-9)
        # Pods that start count as unused on the way up, as fully used on the way down; none where that turns it round.
        used = ratio * seen.ready + (0 if ratio > 1 else seen.starting / self.target)
        again = used / seen.servers
        if (again - 1) * (ratio - 1) <= 0 or abs(again - 1) <= self.tolerance:
            return seen.servers
        return math.ceil(again * seen.servers - 1e-9)


@dataclass
class Knative:
    """Knative's pod autoscaler on concurrency, with its defaults (knative.dev/serving, pkg/autoscaler/scaling)."""

    target: float = 0.7
    every: float = 2.0
    stable: float = 60.0
    panic_threshold: float = 2.0
    _stable: Mean = field(default_factory=lambda: Mean(60.0))
    _panic: Mean = field(default_factory=lambda: Mean(6.0))
    _next: float = 0.0
    _last: int = 0
    _panic_since: float | None = None
    _most: int = 0

    def wanted(self, seen: Moment) -> int:
        for mean in (self._stable, self._panic):
            mean.add(seen.now, seen.serving + seen.waiting)
        if seen.now < self._next:
            return self._last
        self._next = seen.now + self.every
        ready = max(seen.ready, 1)
        slow, fast = (self._desired(mean, ready, seen.slots) for mean in (self._stable, self._panic))
        if fast / ready >= self.panic_threshold:
            self._most = 0 if self._panic_since is None else self._most
            self._panic_since = seen.now
        elif self._panic_since is not None and seen.now - self._panic_since > self.stable:
            self._panic_since = None
        self._last = slow
        if self._panic_since is not None:
            self._last = self._most = max(self._most, slow, fast, seen.servers)
        return self._last

    def _desired(self, mean: Mean, ready: int, slots: int) -> int:
        wanted = math.ceil(mean.value / (self.target * slots) - 1e-9)
        return min(max(wanted, ready // 2, 1), 1000 * ready)


RULES: dict[str, type[Rule]] = {"HPA": Hpa, "Knative": Knative}
