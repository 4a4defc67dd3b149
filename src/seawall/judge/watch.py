"""One process that is asked for signs of life: when to ask, when to look, and the verdict."""

from collections.abc import Callable

from seawall.judge.family import Family
from seawall.judge.limits import Limits, Verdict
from seawall.judge.pace import ASK, EARLY, Pace
from seawall.judge.progress import Progress, Pulse
from seawall.judge.silence import Silence
from seawall.judge.threads import Threads


class Watch:
    """The caller asks and reads; this says when, and what to think of it. `now` is time.monotonic(), read just before.

    At `due`, ask and call `asked`; while a question is unanswered, call `look`. When the answer comes, call `answered`.
    It owns `threads`: close it.
    """

    def __init__(self, threads: Threads | Family, limits: Limits, now: float, every: float = ASK) -> None:
        self.threads = threads
        self.pace = Pace(now, every)
        self._silence = Silence(limits)
        self._progress = Progress()

    @property
    def due(self) -> float:
        return self.pace.due

    @property
    def unanswered(self) -> bool:
        """Whether a question is."""
        return self.pace.asked_at is not None

    def asked(self, now: float) -> None:
        self.pace.asked(now)

    def answered(self, now: float, pulse: Pulse | None = None) -> Verdict:
        """FINE; of a server that says its `pulse` also BUSY and DEADLOCKED."""
        on_time = self.pace.asked_on_time
        self.pace.answered(now)
        self._silence.answered()
        if pulse is None or not self._progress.stands(pulse, on_time):
            return Verdict.FINE
        return self._progress.look(self.threads.read(), self.threads.on_locks(), on_time)

    def look(self, now: float, arrived: Callable[[], bool]) -> Verdict:
        """FINE if nothing is owed or `arrived()`: something of the answer lies in the socket, read or not.

        It is asked before and after /proc is read, since a process that answers then has not been seen at rest.
        """
        if not self.unanswered:
            return Verdict.FINE
        if self.pace.late(now) < -EARLY:
            return Verdict.FINE if arrived() else Verdict.WAITING
        on_time = self.pace.on_time(now)
        self.pace.looked(now)
        if arrived():
            return self._excused()
        threads = self.threads.read()
        return self._excused() if arrived() else self._silence.look(threads, on_time)

    def _excused(self) -> Verdict:
        self._silence.answered()
        return Verdict.FINE

    def close(self) -> None:
        self.threads.close()
