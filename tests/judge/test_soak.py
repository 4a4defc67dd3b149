"""How often healthy processes would be killed by mistake, and how fast hung ones are found. Prints its figures: use -s.

python -m pytest -m soak -s tests/judge/test_soak.py
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from statistics import median

import pytest

from tests.judge import drill as drills
from tests.judge.drill import Drill
from tests.judge.test_drill import HANGS, WITHIN

pytestmark = pytest.mark.soak

SECONDS = 40.0  # under each pressure
ROUNDS = 3  # of each hang

Pressure = Callable[[Drill], AbstractContextManager[object]]


def niced_under_load(drill: Drill) -> ExitStack:
    stack = ExitStack()
    stack.enter_context(drill.load(10))
    stack.enter_context(drills.niced(drill.targets, 19))
    return stack


def each_in_a_quota(drill: Drill) -> ExitStack:
    """Each process with a loop that takes its 5 % away."""
    stack = ExitStack()
    loops = stack.enter_context(drill.load(len(drill.targets)))
    for target, loop in zip(drill.targets, loops, strict=True):
        stack.enter_context(drills.quota([target.process, loop], 5))
    return stack


def quota_with_the_observer(drill: Drill) -> ExitStack:
    stack = ExitStack()
    loops = stack.enter_context(drill.load(1))
    everyone = [target.process for target in drill.targets]
    stack.enter_context(drills.quota([*everyone, *drill.observers, *loops], 20))
    return stack


def traffic_under_load(drill: Drill) -> ExitStack:
    stack = ExitStack()
    stack.enter_context(drill.load(10))
    stack.enter_context(drill.traffic())
    return stack


def nothing(_: Drill) -> AbstractContextManager[None]:
    return nullcontext()


PRESSURES: dict[str, tuple[Pressure, str, float]] = {  # what is done, what the servers do, s that takes
    "load 10": (lambda drill: drill.load(10), "compute", 2.0),
    "load 20": (lambda drill: drill.load(20), "compute", 2.0),
    "load 40": (lambda drill: drill.load(40), "compute", 2.0),
    "load 10, every balancer serving all it can": (traffic_under_load, "compute", 2.0),
    "load 20, garbage collection": (lambda drill: drill.load(20), "collect", 0.5),
    "load 20, json with the interpreter's lock": (lambda drill: drill.load(20), "parse", 0.5),
    "nice 19 at load 10": (niced_under_load, "compute", 2.0),
    "quota of 5 % for each": (each_in_a_quota, "compute", 2.0),
    "one quota of 20 % with the observer": (quota_with_the_observer, "compute", 2.0),
    "observer stopped in turns": (nothing, "compute", 2.0),
    "all threads sleep": (nothing, "wait", 3.5),
    "loop blocked": (nothing, "block", 2.0),
    "garbage collection": (nothing, "collect", 0.5),
    "json with the interpreter's lock": (nothing, "parse", 0.5),
}


@pytest.mark.parametrize("kind", PRESSURES)
def test_killed_by_mistake(kind: str) -> None:
    press, what, seconds = PRESSURES[kind]
    with drills.drill(python=4, plain=2, balancer=4) as drill:
        since = time.monotonic()
        with press(drill):
            while time.monotonic() < since + SECONDS:
                drill.tell(drill.of("python"), what, seconds)
                if kind == "observer stopped in turns":
                    drills.in_turns(drill.observers[0], 4)
                else:
                    time.sleep(4)
            hung, took = drill.hung(since), time.monotonic() - since
        totals = drill.totals()
    hours = took * len(drill.targets) / 3600
    print(
        f"\n{kind}: {len(hung)} killed in {hours * 60:.0f} process-minutes = {len(hung) / hours:.0f} an hour;"
        f" by counting misses {totals['naive'] / hours:.0f} an hour; {totals}"
    )
    assert hung == []


@pytest.mark.parametrize("load", [0, 10, 20])
@pytest.mark.parametrize("kind", HANGS)
def test_found_after(kind: str, load: int) -> None:
    hang, verdict, names = HANGS[kind]
    took: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(ROUNDS):
        with drills.drill(python=2, plain=1, balancer=2) as drill, drill.load(load):
            targets = [target for target in drill.targets if target.name in names]
            since = time.monotonic()
            with hang(drill, targets):
                for name, when in drill.wait_for(verdict, len(targets), since, WITHIN).items():
                    took[name].append(when - since)
            assert {one.name for one in drill.hung(since)} == set(names)
    print(f"\n{kind} at load {load}:", {name: round(median(times), 2) for name, times in took.items()})
