"""The verdict on a Python server whose heartbeat thread answers: does the rest of it make progress?"""

from dataclasses import dataclass

from seawall.judge.limits import Verdict
from seawall.judge.pace import ASK
from seawall.judge.threads import NOTHING, Reading

SUSPECT = round(1.0 / ASK)  # answers without progress after which its threads are looked at
DEADLOCK = round(2.0 / ASK)  # and after which it is deadlocked, if nothing has stirred since


@dataclass(frozen=True)
class Pulse:
    """What a server's heartbeat thread says with each answer: counters since its start, and two numbers of now."""

    loop: int = 0  # times its main loop went round, at least once a second: one that stands still is blocked
    begun: int = 0  # requests
    ended: int = 0  # requests
    working: int = 0  # requests being worked on now
    abandoned: int = 0  # of these, those whose client has gone
    slots: int = 0  # requests it takes at a time; 0 where it does not say


class Progress:
    """How long a server's loop and requests have stood still, in answers to questions that were asked on time."""

    def __init__(self) -> None:
        self._mark: tuple[int, int] | None = None
        self._count = 0
        self._last: Reading = NOTHING

    def stands(self, pulse: Pulse, on_time: bool) -> bool:
        """Whether nothing has moved for so long that `look` has to be asked."""
        mark = pulse.loop, pulse.ended
        if mark != self._mark or pulse.begun <= pulse.ended:
            self._mark, self._count = mark, 0
            return False
        self._count += on_time
        return self._count >= SUSPECT

    def look(self, threads: Reading, on_locks: frozenset[int], on_time: bool) -> Verdict:
        """DEADLOCKED if, for a second, every thread but the one that answers has waited for a lock and not stirred."""
        last, self._last = self._last, threads
        stirring = {thread for thread, seen in threads.items() if thread not in on_locks or seen != last.get(thread)}
        # The heartbeat thread stirs with every answer, so it is the one that may.
        if len(stirring) > 1 or threads.keys() <= stirring:
            self._count = SUSPECT
        return Verdict.DEADLOCKED if on_time and self._count >= DEADLOCK else Verdict.BUSY
