"""Follows the warm process: hears whether the application could be imported and can be forked, then its heartbeat."""

import asyncio
from typing import TYPE_CHECKING

from seawall.control.running import Warm
from seawall.errors import ApplicationFailed
from seawall.fleet import warm as fleet_warm
from seawall.fleet.warm import WarmReport
from seawall.model import Event

if TYPE_CHECKING:
    from seawall.control.loop import Control

BEAT = 1.0  # s between two heartbeats, and how long each may take


async def follow_warm(control: "Control", warm: Warm) -> None:
    """One warm process from its start to its end."""
    while not warm.exited and not warm.ready:
        # It answers when it has imported the application; until then it only keeps us waiting.
        report = await fleet_warm.status(control.paths, timeout=BEAT)
        if report.ready or report.failed:
            _heed(control, warm, report)
    while not warm.exited:
        await asyncio.sleep(BEAT)
        report = await fleet_warm.status(control.paths, timeout=BEAT)
        warm.missed = 0 if report.ready else warm.missed + 1


def _heed(control: "Control", warm: Warm, report: WarmReport) -> None:
    if report.failed:
        # The report is the last word of a process that is ending: wait for its end, not for another answer.
        warm.exited = True
        _failed(control, report)
        return
    for note in report.notes:
        control.journal.event(Event("note", "application", note))
    for advice in report.advice:
        lines = "".join(f"\n    {line}" for line in advice.lines)
        control.journal.event(Event("advice", advice.level, f"{advice.problem}{lines}\n    {advice.why}"))
    control.advice = report.advice
    if not report.can_fork:
        control.running.wants_warm = False
        control.journal.event(Event("cold-starts", "warm", f"servers are started cold: {report.why}"))
    warm.ready = True
    control.wake()


def _failed(control: "Control", report: WarmReport) -> None:
    problem = "The application does not start."
    if control.running.memory.opened:
        control.journal.event(Event("application-failed", "warm", f"{problem} {report.failed.splitlines()[-1]}"))
    else:
        control.fail(ApplicationFailed(problem, "Correct it, then run `seawall up` again.", report.failed))
