"""Lets requests compute one after the other: threads that compute at once only take each other the interpreter's lock.

Of n pages computed in turns the first is ready after one page's time; of n computed at once, each after n. Nobody knows
when a request waits for its database or another site, but while it does the interpreter's lock is free, and that can be
felt: then the next one starts at once. So there is nothing to set, and what does not compute holds nobody up.
"""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

LOOK = 0.0005  # s from one look at the interpreter's lock to the next
LATE = 0.0005  # s: who gets the lock back later than this found somebody computing
LONG = 0.05  # s of processor time, after which who came first shares: a report must not stop the site
WEIGHT = 1 / 16  # of the newest request in the average


class Turns:
    """`with turns.turn(): …` computes. Threads enter in the order they come."""

    def __init__(self) -> None:
        self.inside: list[float] = []  # the process's processor time (s) when each of them entered
        self.usual = 0.0  # s of its thread's processor time that a request takes
        self._counting = threading.Lock()
        self._next = threading.Lock()  # held by the first of those that wait; futex(2) wakes them in order
        self._ended = threading.Lock()  # free when somebody has ended
        self._ended.acquire()

    @contextmanager
    def turn(self) -> Iterator[None]:
        # What is shorter nobody interrupts; waiting for turns would only cost it.
        if self.usual > sys.getswitchinterval() / 2:
            with self._next:
                while self._taken() and not self._idle():
                    pass
                entered = self._enter()
        else:
            entered = self._enter()
        began = time.thread_time()
        try:
            yield
        finally:
            self._leave(entered, time.thread_time() - began)

    def _enter(self) -> float:
        now = time.process_time()
        with self._counting:
            self.inside.append(now)
        return now

    def _leave(self, entered: float, computed: float) -> None:
        with self._counting:
            self.inside.remove(entered)
            self.usual += (computed - self.usual) * WEIGHT
            if self._ended.locked():
                self._ended.release()

    def _taken(self) -> bool:
        with self._counting:
            return max(self.inside, default=-LONG) > time.process_time() - LONG

    def _idle(self) -> bool:
        """Whether the others leave the interpreter alone. Not known, but sooner, if one of them ends meanwhile."""
        looked = time.monotonic()
        if self._ended.acquire(timeout=LOOK):
            return False
        return time.monotonic() - looked < LOOK + LATE
