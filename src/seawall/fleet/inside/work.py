"""What a server is at: counted where requests are worked on, read by the thread that answers heartbeats."""

import select
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

SLOTS = "X-Seawall-Slots"  # in the control plane's question for a heartbeat: requests to take at a time

Gone = Callable[[], bool]  # whether whoever waits for an answer has gone


class HasDescriptor(Protocol):
    def fileno(self) -> int: ...


def hung_up(connection: HasDescriptor) -> bool:
    """Whether the other end of a unix socket is closed, without touching what it has sent.

    Closed, not only shut for writing: that would be POLLRDHUP, of somebody who still waits for the answer.
    """
    descriptor = connection.fileno()
    if descriptor < 0:  # our own end is closed
        return True
    poll = select.poll()
    poll.register(descriptor, 0)
    return bool(poll.poll(0))


class Work:
    """The counters of one server. `limit` is how many requests it can work on at once, `expected` how many it should,
    `reserve` how many more than that it can for each (None: as many as come).

    More than `expected` are at work only where some of them were given up: a thread cannot be interrupted, and the
    balancer, which counts who waits, sends the next request as soon as one is reset.
    """

    def __init__(self, expected: int, reserve: int | None) -> None:
        self.reserve = reserve
        self.resized: Callable[[], None] = lambda: None  # called when `limit` has changed, in any thread
        self.resize(expected)
        self.loop = 0  # turns of the main loop
        self.begun = 0
        self.ended = 0
        self.stopping = False
        self._counting = threading.Lock()
        self._waiting: dict[int, Gone] = {}  # by the number of the request

    def resize(self, expected: int) -> None:
        self.expected = expected
        self.limit = sys.maxsize if self.reserve is None else expected * (1 + self.reserve)
        self.resized()

    @contextmanager
    def request(self, gone: Gone) -> Iterator[None]:
        """One request is worked on, from beginning to end."""
        with self._counting:
            self.begun += 1
            number = self.begun
            self._waiting[number] = gone
        try:
            yield
        finally:
            with self._counting:
                self.ended += 1
                del self._waiting[number]

    def seen(self) -> dict[str, int]:
        """The counters at this moment, see `seawall.fleet.server.Pulse`."""
        with self._counting:
            begun, ended, waiting = self.begun, self.ended, list(self._waiting.values())
        return {
            "loop": self.loop,
            "begun": begun,
            "ended": ended,
            "working": len(waiting),
            "abandoned": sum(gone() for gone in waiting),
            "slots": self.expected,
        }

    def takes_more(self, working: int, abandoned: int) -> bool:
        """False where a request that the balancer thinks it may send would have to wait."""
        return not self.stopping and (working < self.limit or working - abandoned >= self.expected)
