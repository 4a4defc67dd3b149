"""Follows the warm process: hears whether the application could be imported and can be forked, then its heartbeat."""

import asyncio
import contextlib
from typing import TYPE_CHECKING

from seawall.control.running import Warm, kill_group
from seawall.errors import ApplicationFailed
from seawall.fleet import warm as fleet_warm
from seawall.fleet.warm import WarmReport
from seawall.model import Event

if TYPE_CHECKING:
    from seawall.control.loop import Control

BEAT = 1.0  # s between two heartbeats, and how long each may take


async def follow_warm(control: "Control", warm: Warm) -> None:
    """One warm process from its start to its end."""
    # One question, answered when the application has been imported: more of them would only fill its queue.
    report = await fleet_warm.status(control.paths, timeout=control.site.start_timeout)
    if report.ready or report.failed:
        await _heed(control, warm, report)
    else:
        _late(control, warm)
    while not warm.exited:
        await asyncio.sleep(BEAT)
        report = await fleet_warm.status(control.paths, timeout=BEAT)
        warm.missed = 0 if report.ready else warm.missed + 1


async def _heed(control: "Control", warm: Warm, report: WarmReport) -> None:
    if report.failed:
        # The report is the last word of a process that is ending: wait for its end, not for another answer.
        warm.exited = True
        ending = await _ending(warm)
        how = f"; it was {ending}" if ending.startswith("killed") else ""
        _failed(control, f"The application does not start{how}.", report.failed)
        return
    for note in report.notes:
        control.journal.event(Event("note", "application", note))
    for advice in report.advice:
        more = "".join(f"\n    {line}" for line in (*advice.lines, advice.why) if line)
        control.journal.event(Event("advice", advice.level, f"{advice.problem}{more}"))
    control.advice = report.advice
    if not report.can_fork:
        control.running.wants_warm = False
        control.journal.event(Event("cold-starts", "warm", f"servers are started cold: {report.why}"))
    warm.ready = True
    control.wake()


async def _ending(warm: Warm) -> str:
    """How a process ended that has closed its socket, which comes a moment before its end."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1.0):
            while warm.process.alive:
                await asyncio.sleep(0.01)
    return warm.process.reap()


def _late(control: "Control", warm: Warm) -> None:
    limit = f"servers.start_timeout = {control.site.start_timeout:g} s"
    kill_group(warm.process)
    _failed(control, f"The application was not imported within {limit}.", fleet_warm.last_output(control.paths))


def _failed(control: "Control", problem: str, output: str) -> None:
    if control.running.memory.opened:
        control.journal.event(Event("application-failed", "warm", f"{problem} {output.splitlines()[-1]}"))
    else:
        control.fail(ApplicationFailed(problem, "Correct it, then run `seawall up` again.", output))
