"""What can be said of a process that was asked for a sign of life, and how much evidence each verdict takes.

The numbers were measured with healthy and with hung processes: docs/decisions/0013-hung-starved-or-busy.md.
"""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """FINE is the empty string; the others end a sentence that begins with the process's name."""

    FINE = ""
    WAITING = "owes an answer"  # and it is not decided whether it is hung
    BUSY = "answers but makes no progress"  # better sent no more requests, never to be killed
    STOPPED = "is stopped (SIGSTOP or a debugger)"
    FROZEN = "is frozen (its cgroup, or a disk that does not answer)"
    IDLE = "does nothing though it owes an answer"
    COMPUTING = "computes without end and does not answer"
    DEADLOCKED = "is deadlocked: its threads wait for locks, its loop and its requests stand still"

    @property
    def hung(self) -> bool:
        """Whether there is proof that waiting longer is in vain."""
        return self not in (Verdict.FINE, Verdict.WAITING, Verdict.BUSY)


@dataclass(frozen=True)
class Limits:
    """How many looks in a row, 25 ms apart, must find a silent process in one state; and its own processor time."""

    frozen: int
    idle: int
    computing: float  # s of its own processor time since the question
    stopped: int = 2

    def looks(self, state: Verdict) -> int:
        return {Verdict.STOPPED: self.stopped, Verdict.FROZEN: self.frozen, Verdict.IDLE: self.idle}[state]


BALANCER = Limits(frozen=8, idle=8, computing=0.5)  # 0.2 s
SERVER = Limits(frozen=20, idle=40, computing=2.0)  # 0.5 s, 1 s; the warm process too
