"""People who read a page, think, and ask for the next: a closed population, each person on a kept connection."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from benchmarks.sender import Broken, Connections, Due, Latencies, on_time


@dataclass(frozen=True)
class Arrivals:
    """`people` more of them come evenly within `seconds`, from `at` s after the start on."""

    people: int
    at: float
    seconds: float

    def times(self) -> list[float]:
        return [self.at + self.seconds * number / self.people for number in range(self.people)]


@dataclass
class Crowd:
    """Think times are exponential with mean `think` s; 0 is a person who asks again at once."""

    port: int
    think: float
    path: Callable[[random.Random], str]  # the next page
    end: float  # s after the start, when nobody asks again
    found: Latencies = field(default_factory=Latencies)

    async def run(self, arrivals: Sequence[Arrivals]) -> Latencies:
        self.start = time.perf_counter()
        times = [at for group in arrivals for at in group.times()]
        async with asyncio.TaskGroup() as people:
            for number, at in enumerate(times):
                people.create_task(self._person(at, random.Random(number)))
        return self.found

    async def _person(self, at: float, chance: random.Random) -> None:
        kept = Connections(self.port)
        while at < self.end:
            await asyncio.sleep(max(0.0, self.start + at - time.perf_counter()))
            self.found.sent(max(0.0, self._now() - at))
            await self._one(kept, Due(at, self.path(chance)))
            at = self._now() + (chance.expovariate(1 / self.think) if self.think else 0.0)
        kept.close()

    async def _one(self, kept: Connections, due: Due) -> None:
        try:
            await kept.ask(due)
        except Broken as broken:
            self.found.failed[str(broken)] += 1
        else:
            self.found.answered(due, self._now() - due.at)

    def _now(self) -> float:
        return time.perf_counter() - self.start


def visit(
    port: int, arrivals: Sequence[Arrivals], seconds: float, think: float, path: Callable[[random.Random], str]
) -> Latencies:
    """Everybody comes as `arrivals` say and stays until `seconds` are over. Failures are counted."""
    return on_time(Crowd(port, think, path, seconds).run(arrivals))
