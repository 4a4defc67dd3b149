"""When to ask a process, when to look at it, and whether a look came on time. All times are of time.monotonic()."""

ASK = 0.1  # s between two questions
DUE = 0.05  # s that a question may stay unanswered before the first look
GAP = 0.025  # s between the looks that follow
LATE = 0.03  # s: a look that comes later than this proves nothing, since we were starved or stopped ourselves
EARLY = 0.002  # s: event loops count in milliseconds and may wake us that much too soon


class Pace:
    """The times of one process's questions and looks. `due` is when the next is to be asked, or the next look taken."""

    def __init__(self, now: float, every: float = ASK) -> None:
        self.every = every
        self.due = now
        self.asked_at: float | None = None  # None while no question is open
        self.asked_on_time = False

    def late(self, now: float) -> float:
        """Seconds since `due`; negative before it."""
        return now - self.due

    def on_time(self, now: float) -> bool:
        return -EARLY <= self.late(now) <= LATE

    def asked(self, now: float) -> None:
        self.asked_on_time = self.on_time(now)
        self.asked_at = now
        self.due = now + DUE

    def looked(self, now: float) -> None:
        self.due = now + GAP

    def answered(self, now: float) -> None:
        if self.asked_at is not None:
            self.due = max(now, self.asked_at + self.every)
        self.asked_at = None
