"""Tells hung processes from starved and busy ones: `Watch` asks and judges one process (docs/decisions/0013)."""

from seawall.judge.arriving import done_by, readable, readable_by
from seawall.judge.family import Family
from seawall.judge.limits import BALANCER, SERVER, Limits, Verdict
from seawall.judge.pace import Pace
from seawall.judge.progress import Progress, Pulse
from seawall.judge.silence import Silence
from seawall.judge.threads import Reading, Threads, ThreadSeen
from seawall.judge.watch import Watch

__all__ = [
    "BALANCER",
    "SERVER",
    "Family",
    "Limits",
    "Pace",
    "Progress",
    "Pulse",
    "Reading",
    "Silence",
    "ThreadSeen",
    "Threads",
    "Verdict",
    "Watch",
    "done_by",
    "readable",
    "readable_by",
]
