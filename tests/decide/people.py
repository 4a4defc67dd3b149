"""People who ask the simulated site for pages: they come by chance, and each page takes its time in a server."""

import math
from random import Random

from seawall.model import Load

STEP = 0.02  # s


class People:
    """`rate` requests a second come, each takes `service` s of a place, and `most` a second are finished at best."""

    def __init__(self, seed: int = 0, rate: float = 0.0, service: float = 0.1, most: float = math.inf) -> None:
        self.random = Random(seed)
        self.rate, self.service, self.most = rate, service, most
        self.silent = False  # nobody can tell how many they are
        self.arrived = self.finished = 0
        self.work = 0.0
        self.serving = self.queued = 0

    def pass_time(self, seconds: float, places: int) -> None:
        while seconds > 1e-9:
            step = min(STEP, seconds)
            seconds -= step
            self._step(step, places)

    def _step(self, step: float, places: int) -> None:
        come = self._poisson(self.rate * step)
        done = self._binomial(self.serving, 1 - math.exp(-step / self.service))
        done = min(done, self._poisson(self.most * step)) if self.most < math.inf else done
        self.work += self.serving * step
        self.serving, self.finished = self.serving - done, self.finished + done
        self.queued, self.arrived = self.queued + come, self.arrived + come
        begin = max(0, min(self.queued, places - self.serving))
        self.serving, self.queued = self.serving + begin, self.queued - begin

    def _poisson(self, mean: float) -> int:
        limit, number, product = math.exp(-mean), 0, self.random.random()
        while product > limit:
            number, product = number + 1, product * self.random.random()
        return number

    def _binomial(self, of: int, chance: float) -> int:
        return sum(self.random.random() < chance for _ in range(of))

    def load(self, now: float) -> Load | None:
        if self.silent:
            return None
        return Load(now, self.arrived, self.finished, self.work, self.serving, 0, self.queued)
