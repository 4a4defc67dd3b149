"""Processes that hang are called hung, each by its name; starved and busy ones never. Real engines, real pressure."""

import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext

import pytest

from tests.judge import drill as drills
from tests.judge.drill import Drill, Target

WITHIN = 90.0  # s: a deadline, not an expectation
FOR_EVER = 1000.0  # s: who hangs is ended with the drill
CALM = 3.0  # s that healthy processes are looked at under each pressure


@pytest.fixture
def drill() -> Iterator[Drill]:
    with drills.drill(python=3, plain=2, balancer=2) as made:
        yield made


Hang = Callable[[Drill, list[Target]], AbstractContextManager[None]]


def told(what: str) -> Hang:
    def hang(drill: Drill, targets: list[Target]) -> AbstractContextManager[None]:
        drill.tell(targets, what, FOR_EVER)
        return nullcontext()

    return hang


def stop(_: Drill, targets: list[Target]) -> AbstractContextManager[None]:
    return drills.stopped(targets)


def freeze(_: Drill, targets: list[Target]) -> AbstractContextManager[None]:
    return drills.frozen(targets)


HANGS = {
    "stopped": (stop, "STOPPED", ("python0", "plain0", "balancer0")),
    "frozen": (freeze, "FROZEN", ("python0", "plain0", "balancer0")),
    "asleep in C with the interpreter's lock": (told("asleep"), "IDLE", ("python0",)),
    "asleep, a program we know nothing of": (told("wait"), "IDLE", ("plain0",)),
    "all threads and the loop on one lock": (told("deadlock"), "DEADLOCKED", ("python0",)),
    "computes in C with the interpreter's lock": (told("spin"), "COMPUTING", ("python0",)),
    "computes, a program we know nothing of": (told("compute"), "COMPUTING", ("plain0",)),
}


@pytest.mark.parametrize("load", [0, 4])
@pytest.mark.parametrize("kind", HANGS)
def test_hung(drill: Drill, kind: str, load: int) -> None:
    hang, verdict, names = HANGS[kind]
    targets = [target for target in drill.targets if target.name in names]
    since = time.monotonic()
    with drill.load(load), hang(drill, targets):
        drill.wait_for(verdict, len(targets), since, WITHIN)
    assert {(one.name, one.verdict) for one in drill.hung(since)} == {(name, verdict) for name in names}


PRESSURES = {
    "load 10": lambda drill: drill.load(10),
    "load 20": lambda drill: drill.load(20),
    "quota of 5 %": lambda drill: drills.quota([target.process for target in drill.targets], 5),
}


@pytest.mark.parametrize("pressure", PRESSURES)
def test_starved_is_not_hung(drill: Drill, pressure: str) -> None:
    with PRESSURES[pressure](drill):
        never_hung(drill, "compute")


@pytest.mark.parametrize("what", ["wait", "block", "collect", "parse"])
def test_busy_is_not_hung(drill: Drill, what: str) -> None:
    never_hung(drill, what)


def test_low_priority_is_not_hung(drill: Drill) -> None:
    with drill.load(10), drills.niced(drill.targets, 19):
        never_hung(drill, "compute")


def test_an_observer_that_is_stopped_in_turns_calls_nobody_hung(drill: Drill) -> None:
    since = time.monotonic()
    [observer] = drill.observers
    drill.tell(drill.of("python"), "compute", CALM)
    drills.in_turns(observer, CALM)
    assert drill.hung(since) == []


def test_a_runtime_socket_without_room_is_not_a_hung_balancer(drill: Drill) -> None:
    """HAProxy takes ten connections there; a kept one is answered however many others wait."""
    with ExitStack() as stack:
        for target in drill.of("balancer"):
            for _ in range(15):
                other = stack.enter_context(socket.socket(socket.AF_UNIX))
                other.connect(target.path)
            other.send(b"show version\n")
            assert not select.select([other], [], [], 1.0)[0], "there is room, so this shows nothing"
        never_hung(drill, "wait")


def never_hung(drill: Drill, what: str) -> None:
    since = time.monotonic()
    drill.tell(drill.of("python"), what, 1.5 if what in ("block", "collect", "parse") else CALM)
    time.sleep(CALM)
    assert drill.hung(since) == []


def test_an_observer_that_starves_with_the_others_calls_nobody_hung() -> None:
    """And finds who is stopped once it gets its turn again."""
    with drills.drill(python=2, balancer=1) as made, ExitStack() as stack:
        everyone = [target.process for target in made.targets] + made.observers
        stack.enter_context(drills.quota(everyone, 20))
        never_hung(made, "compute")
        stack.close()
        since = time.monotonic()
        with drills.stopped(made.targets):
            made.wait_for("STOPPED", 3, since, WITHIN)
