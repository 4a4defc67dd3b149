"""Plays a load shape at a real site, and notes how many servers it has meanwhile and what it tells."""

import contextlib
import itertools
import json
import random
import re
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.sender import Due, Latencies, attempt

from tests.loads.shapes import Shape
from tests.scenarios.site import Site

SERVICE = 0.1  # s a request takes, mean
LONGEST = 1.0  # s
POSTS = 10  # every so many requests is a POST
LOOK = 0.1  # s between two looks at the site

_STEP = re.compile(r"from (\d+) to (\d+)")


def make(folder: Path, settings: str) -> Site:
    """A site of the application that waits."""
    folder.mkdir()
    shutil.copy(Path(__file__).with_name("application.py"), folder)
    return Site(folder, f'wsgi = "application:application"\n{settings}')


@dataclass(frozen=True)
class Step:
    """The number of servers wanted was changed, `at` s since the epoch."""

    at: float
    before: int
    after: int
    text: str


@dataclass
class Played:
    """What became of it."""

    found: Latencies
    sizes: list[int] = field(default_factory=list)  # servers that are there to stay, from look to look
    steps: list[Step] = field(default_factory=list)

    def soon_undone(self, hold: float) -> list[str]:
        """Steps down within `hold` s of a step up, as they were told."""
        pairs = [(up, down) for up in self.steps for down in self.steps if 0 <= down.at - up.at < hold]
        return [f"{up.text} / {down.text}" for up, down in pairs if up.after > up.before and down.after < down.before]


def schedule(shape: Shape, seed: int) -> Iterator[Due]:
    """Requests at these rates, each with a service time of its own."""
    chance = random.Random(seed)
    for number, at in enumerate(shape.arrivals(seed)):
        path = f"/{int(1000 * min(LONGEST, chance.expovariate(1 / SERVICE)))}"
        yield Due(at, path, "POST", b"x" * 100) if number % POSTS == 0 else Due(at, path)


def play(site: Site, shape: Shape, seed: int = 1) -> Played:
    """The whole shape, in its own time."""
    began = time.time()
    with _watched(site) as sizes:
        found = attempt(schedule(shape, seed), site.http)
    return Played(found, sizes, steps(site, began))


def steps(site: Site, since: float) -> list[Step]:
    """How the site tells it: each change of the number of servers since then (s since the epoch), oldest first."""
    told = site.run("events", "--json", "-n", "100000").stdout.splitlines()
    events: list[dict[str, Any]] = [json.loads(line) for line in told]
    found = []
    for event in events:
        if event["kind"] in ("scale-up", "scale-down") and event["time"] >= since:
            match = _STEP.search(event["text"])
            assert match, f"it does not say how many: {event}"
            found.append(Step(event["time"], int(match[1]), int(match[2]), event["text"]))
    return found


@contextlib.contextmanager
def _watched(site: Site) -> Iterator[list[int]]:
    """Numbers of servers that are there to stay, as long as this lasts."""
    over, sizes = threading.Event(), []

    def watch() -> None:
        while not over.wait(LOOK):
            servers = site.status()["servers"]
            sizes.append(sum(server["state"] not in ("draining", "stopping", "dead") for server in servers))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield sizes
    finally:
        over.set()
        thread.join()


def follows(steps: list[Step]) -> bool:
    """Whether each step begins where the one before it ended: nothing of the story is missing."""
    return all(one.after == two.before for one, two in itertools.pairwise(steps))
