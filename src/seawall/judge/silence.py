"""The verdict on a process that owes an answer, from looks at its threads."""

from seawall.judge.limits import Limits, Verdict
from seawall.judge.pace import GAP
from seawall.judge.threads import NOTHING, Reading

USED = 0.1 * GAP * 1e9  # ns: a process that used more of a processor between two looks is running
TAKES_BACK = 5  # looks that one look at a running process takes from the count
LONG = round(8.0 / GAP)  # looks after which a quarter of Limits.computing is enough


class Silence:
    """One unanswered question. Only looks on time count; whoever waits for a processor or uses one is not hung."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.answered()

    def answered(self) -> None:
        """An answer, however late, zeroes everything."""
        self._last: Reading = NOTHING
        self._state = Verdict.WAITING
        self._count = 0  # looks on time that found it in `_state`
        self._running = 0  # looks on time that found it running
        self._used = 0  # ns of its own processor time since the first look

    def look(self, threads: Reading, on_time: bool) -> Verdict:
        """What one more look adds. `threads` empty means unknown, which proves nothing."""
        if not threads:
            return Verdict.WAITING
        used = _used(threads, self._last)
        state = _state(threads, self._last, used)
        self._last = threads
        self._used += used
        if state is None:
            return self._computes(on_time)
        if state != self._state:
            self._state, self._count = state, 0
        self._count += on_time
        return state if on_time and self._count >= self._limits.looks(state) else Verdict.WAITING

    def _computes(self, on_time: bool) -> Verdict:
        self._count = max(0, self._count - TAKES_BACK)
        self._running += on_time
        limit = self._limits.computing / (4 if self._running >= LONG else 1)
        return Verdict.COMPUTING if on_time and self._used > limit * 1e9 else Verdict.WAITING


def _used(threads: Reading, last: Reading) -> int:
    return sum(max(0, seen.ran - last[thread].ran) for thread, seen in threads.items() if thread in last)


def _state(threads: Reading, last: Reading, used: int) -> Verdict | None:
    """What all its threads do together; None if it runs, or would if it were given a processor."""
    states = {seen.state for seen in threads.values()}
    if states <= {"T", "t"}:
        return Verdict.STOPPED
    if used > USED or _starved(threads, last):
        return None
    return Verdict.FROZEN if states == {"D"} else Verdict.IDLE


def _starved(threads: Reading, last: Reading) -> bool:
    """Whether a thread wants a processor and has got no turn since the last look.

    One in R that did get a turn and used next to nothing woke up in vain: waiting for the interpreter's lock, a thread
    does so every 5 ms.
    """
    return any(
        seen.state == "R" and (thread not in last or seen.turns == last[thread].turns)
        for thread, seen in threads.items()
    )
