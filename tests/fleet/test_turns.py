"""Threads that compute take turns; threads that wait hold nobody up."""

import itertools
import threading
import time
from collections.abc import Callable

from seawall.fleet.inside.turns import LONG, Turns

PAGE = 0.02  # s of processor time


def used() -> Turns:
    """One that knows how long a page usually computes."""
    turns = Turns()
    turns.usual = PAGE
    return turns


def compute(seconds: float) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        sum(range(100))


def entered(turns: Turns, works: list[Callable[[], None]]) -> list[tuple[int, float, float]]:
    """Let all of them enter, one after the other. Number, begin and end of each, in the order they ended."""
    spans: list[tuple[int, float, float]] = []

    def one(number: int) -> None:
        with turns.turn():
            began = time.monotonic()
            works[number]()
            spans.append((number, began, time.monotonic()))

    threads = [threading.Thread(target=one, args=[number]) for number in range(len(works))]
    for thread in threads:
        thread.start()
        time.sleep(0.001)
    for thread in threads:
        thread.join()
    assert not turns.inside
    return spans


def test_what_computes_does_so_in_order_and_mostly_alone() -> None:
    turns = used()
    rounds = [sorted(entered(turns, [lambda: compute(PAGE)] * 4)) for _ in range(5)]
    pairs = [pair for spans in rounds for pair in itertools.pairwise(spans)]
    in_turn = sum(later[1] >= earlier[2] for earlier, later in pairs)
    assert in_turn >= len(pairs) * 2 / 3, "all at once, none would be"


def test_what_waits_holds_nobody_up() -> None:
    spans = entered(used(), [lambda: time.sleep(2)] * 4 + [lambda: compute(PAGE)])
    assert spans[0][0] == 4, "the page came last and was ready first"
    assert max(began for _, began, _ in spans) < min(end for number, _, end in spans if number < 4), "all at once"


def test_what_computes_for_long_shares() -> None:
    spans = entered(used(), [lambda: compute(20 * LONG)] + [lambda: compute(PAGE / 4)] * 3)
    assert spans[-1][0] == 0, "the three short ones were ready first"


def test_it_learns_what_is_usual() -> None:
    turns = Turns()
    for _ in range(50):
        with turns.turn():
            compute(0.01)
    assert 0.009 < turns.usual < 0.015
    for _ in range(100):
        with turns.turn():
            pass
    assert turns.usual < 0.001


def test_an_error_ends_the_turn() -> None:
    turns = Turns()
    for _ in range(2):
        try:
            with turns.turn():
                raise KeyError
        except KeyError:
            pass
    assert not turns.inside
