"""Follows the warm process: hears from it whether the application could be imported and whether it can be forked."""

import asyncio
from typing import TYPE_CHECKING

from seawall.control.running import Warm
from seawall.errors import ApplicationFailed, EngineFailed
from seawall.fleet import warm as fleet_warm
from seawall.fleet.warm import WarmReport
from seawall.model import Event

if TYPE_CHECKING:
    from seawall.control.loop import Control

EVERY = 0.02  # s


async def follow_warm(control: "Control") -> None:
    """Ask each new warm process for its report, once, when it is ready to give it."""
    known: Warm | None = None
    while True:
        await asyncio.sleep(EVERY if known is not control.running.warm or known is None else EVERY * 10)
        warm = control.running.warm
        if warm is None or warm is known:
            continue
        report = await _report(control, warm)
        known = warm
        if report:
            _heed(control, warm, report)


async def _report(control: "Control", warm: Warm) -> WarmReport | None:
    """The report of one warm process; None if it ended without one or another has taken its place."""
    while control.running.warm is warm:
        try:
            report = await fleet_warm.status(control.paths, timeout=1.0)
        except (OSError, EngineFailed):
            if warm.exited:
                return None
            await asyncio.sleep(EVERY)
            continue
        if report.ready or report.failed:
            return report
        await asyncio.sleep(EVERY)
    return None


def _heed(control: "Control", warm: Warm, report: WarmReport) -> None:
    if report.failed:
        problem = "The application does not start."
        if not control.running.memory.opened:
            control.fail(ApplicationFailed(problem, "Correct it, then run `seawall up` again.", report.failed))
        control.journal.event(Event("application-failed", "warm", f"{problem} {report.failed.splitlines()[-1]}"))
        return
    for note in report.notes:
        control.journal.event(Event("note", "application", note))
    control.advice = report.advice
    if not report.can_fork:
        control.running.wants_warm = False
        control.journal.event(Event("cold-starts", "warm", f"servers are started cold: {report.why}"))
    warm.ready = True
    control.wake()
