"""The load shapes a site is to be left alone under: two recorded sites, and what is drawn for the rest."""

import itertools
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

RECORDED = Path(__file__).with_name("recorded")


@dataclass(frozen=True)
class Shape:
    """Requests a second over time: each of `rates` lasts `step` s."""

    name: str
    rates: tuple[float, ...]
    step: float = 1.0

    @property
    def seconds(self) -> float:
        return len(self.rates) * self.step

    @property
    def peak(self) -> float:
        return max(self.rates)

    def scaled(self, peak: float) -> "Shape":
        """The same with at most `peak` requests a second."""
        return replace(self, rates=tuple(rate * peak / self.peak for rate in self.rates))

    def within(self, seconds: float) -> "Shape":
        """The same rates, compressed into `seconds`, if it lasts longer."""
        return replace(self, step=min(self.step, seconds / len(self.rates)))

    def part(self, since: float, seconds: float) -> "Shape":
        """What happens in it for `seconds` from `since` s on, at its own pace."""
        return replace(self, rates=self.rates[int(since / self.step) : math.ceil((since + seconds) / self.step)])

    def arrivals(self, seed: int) -> Iterator[float]:
        """When independent people come at these rates, in s; the same seed is the same arrivals."""
        chance = random.Random(seed)
        for number, rate in enumerate(self.rates):
            # Poisson arrivals have no memory: each step may draw anew.
            at, end = number * self.step, (number + 1) * self.step
            while rate > 0 and (at := at + chance.expovariate(rate)) < end:
                yield at


def recorded(name: str) -> list[int]:
    """Counts of one recording; recorded/README.md says what each is."""
    return [int(count) for count in (RECORDED / f"{name}.txt").read_text().split()]


def _between(counts: list[int], factor: float, steps: int = 6) -> tuple[float, ...]:
    """Requests a second from requests a minute, linear from the middle of one minute to that of the next."""
    rates = [count * factor / 60 for count in counts]
    pairs = itertools.pairwise([*rates, rates[-1]])
    return tuple(a + (b - a) * part / steps for a, b in pairs for part in range(steps))


def _on_off(half: int, times: int) -> tuple[float, ...]:
    return ((20.0,) * half + (200.0,) * half) * times


def _noise(seconds: int) -> tuple[float, ...]:
    chance = random.Random(1)
    return tuple(100 * chance.gammavariate(4, 1 / 4) for _ in range(seconds))


def _ramp(low: float, high: float, seconds: int) -> tuple[float, ...]:
    return tuple(low + (high - low) * second / seconds for second in range(seconds))


def _all() -> Iterator[Shape]:
    yield Shape("world cup final", _between(recorded("final"), 0.08), 10.0)
    yield Shape("world cup jump", _between(recorded("jump"), 1.0), 10.0)
    yield Shape("nasa", tuple(10.0 * count for count in recorded("nasa")))
    yield Shape("daily", tuple(20 + 90 * (1 - math.cos(2 * math.pi * second / 7200)) for second in range(7200)))
    yield Shape("ramp", (10.0,) * 300 + _ramp(10, 300, 2400) + (300.0,) * 300 + _ramp(300, 10, 600))
    yield Shape("flash", (10.0,) * 900 + (400.0,) * 600 + (10.0,) * 900)
    yield Shape("on-off 12 s", _on_off(6, 200))
    yield Shape("on-off 120 s", _on_off(60, 40))
    yield Shape("on-off 10 min", _on_off(300, 10))
    yield Shape("noise", _noise(3600))
    yield Shape("steady", (40.0,) * 3600)


def _short() -> Iterator[Shape]:
    """Minutes of each, with what is special about it."""
    yield SHAPES["world cup final"].within(900)
    yield SHAPES["world cup jump"].part(3000, 900)
    yield SHAPES["nasa"].part(0, 600)
    yield SHAPES["daily"].within(600)
    yield SHAPES["ramp"].within(600)
    yield SHAPES["flash"].part(700, 900)
    yield SHAPES["on-off 12 s"].part(0, 240)
    yield SHAPES["on-off 120 s"].part(0, 480)
    yield SHAPES["on-off 10 min"].part(0, 660)
    yield SHAPES["noise"].part(0, 400)
    yield SHAPES["steady"].part(0, 400)


SHAPES = {shape.name: shape for shape in _all()}
SHORT = {shape.name: shape for shape in _short()}
