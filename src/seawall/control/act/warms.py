"""Starts and ends warm processes, and hears what they say of the application."""

import asyncio
import signal
from dataclasses import dataclass

from seawall import members
from seawall.control.inquiry import Inquiry
from seawall.control.processes import Warm
from seawall.control.state import State
from seawall.control.tasks import Tasks, watch
from seawall.errors import ApplicationFailed
from seawall.fleet import warm as fleet_warm
from seawall.fleet.warm import WarmReport
from seawall.judge import SERVER
from seawall.model import Event

BEAT = 1.0  # s between two heartbeats
NEXT = "code"  # what a failing import is a trouble of


@dataclass
class Warms:
    """The warm processes of one site: the present one, and while all is imported anew the next."""

    state: State
    tasks: Tasks

    def start(self, name: str, generation: int) -> None:
        warm = Warm(name, asyncio.get_running_loop().time(), generation=generation, protocol=fleet_warm.VERSION)
        self.state.processes.about(warm)
        try:
            beside = any(other.ready for other in self.state.processes.warms.values())
            process = fleet_warm.spawn(self.state.wanted.application, self.state.paths, name, strict=beside)
        except BaseException:
            self.state.processes.forget(warm)
            raise
        self.state.processes.exists(warm, process)
        self.watch(warm)

    def watch(self, warm: Warm) -> None:
        """Hear of its end, and of what it says until then.

        One of another protocol, adopted from another version of Seawall, would not understand us. It is ended; its
        servers are left alone, and the next ones come from one of ours.
        """
        process = warm.process
        if process is None:
            return

        def ended() -> None:
            warm.exited, warm.ready = True, False
            warm.ending = process.reap()
            self.state.wake()

        watch(process.pidfd, ended)
        if warm.protocol == fleet_warm.VERSION:
            self.tasks.start(self._follow(warm))
        else:
            process.signal(signal.SIGKILL)

    def kill(self, name: str) -> None:
        if process := self.state.processes.warms[name].process:
            process.signal(signal.SIGKILL)

    def forget(self, name: str) -> None:
        self.state.processes.forget(self.state.processes.warms[name])
        self.state.paths.warm_socket(name).unlink(missing_ok=True)

    async def _follow(self, warm: Warm) -> None:
        """One warm process from its start, or its adoption, to its end."""
        if not warm.ready:
            report = await fleet_warm.status(self.state.paths, warm.name, timeout=self.state.site.start_timeout)
            await self._heed(warm, report)
        while not warm.exited:
            await asyncio.sleep(BEAT)
            await self._beat(warm)

    async def _heed(self, warm: Warm, report: WarmReport) -> None:
        if report.failed or not report.ready:
            await self._failed(warm, report)
            return
        for note in report.notes:
            self.state.say(Event("note", "application", note))
        for advice in report.advice:
            more = "".join(f"\n    {line}" for line in (*advice.lines, advice.why) if line)
            self.state.say(Event("advice", advice.level, f"{advice.problem}{more}"))
        self.state.advice = report.advice
        if not report.can_fork:
            self.state.wants_warm = False
            self.state.say(Event("cold-starts", "warm", f"servers are started cold: {report.why}"))
        warm.ready = True
        self.state.troubles.over(NEXT)
        self.state.wake()

    async def _failed(self, warm: Warm, report: WarmReport) -> None:
        if not report.failed:
            limit = f"servers.start_timeout = {self.state.site.start_timeout:g} s"
            problem, output = f"The application was not imported within {limit}.", ""
        else:
            problem, output = "The application does not start.", report.failed
        ending = await self._end(warm)
        if ending.startswith("killed") and report.failed and report.ended:
            problem = f"The application does not start; it was {ending}."
        output = output or fleet_warm.last_output(self.state.paths)
        if self.state.record.memory.opened:
            reason = output.splitlines()[-1]
            self.state.say(Event("application-failed", warm.name, f"{reason}: {problem}"))
            self.state.troubles.note(NEXT, f"{reason}: the new code does not start, the old goes on: seawall logs")
        else:
            self.state.fail(ApplicationFailed(problem, "Correct it, then run `seawall up` again.", output))

    async def _end(self, warm: Warm) -> str:
        """End one whose import has failed: it has a moment for its exit hooks. Returns how it ended."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + BEAT
        while not warm.exited and loop.time() < deadline:
            await asyncio.sleep(0.01)
        if not warm.exited and warm.process:
            belonging = members.of_leaders([warm.process])
            own = {one.process.pid for one in self.state.processes if one.process and one is not warm}
            for process in members.kill(member for member in belonging if member.pid not in own):
                process.close()
            return ""
        return warm.ending

    def _note_advice(self, question: "asyncio.Task[WarmReport]") -> None:
        """Also of a warm process that was adopted, which has said so to another control plane."""
        if question.done() and not question.cancelled() and question.exception() is None and question.result().ready:
            self.state.advice = question.result().advice

    async def _beat(self, warm: Warm) -> None:
        """One heartbeat; a warm process that is stopped, or idle though it owes an answer, is hung."""
        assert warm.process is not None
        loop = asyncio.get_running_loop()
        asked = loop.time()
        question = asyncio.create_task(fleet_warm.status(self.state.paths, warm.name, timeout=None))
        inquiry = Inquiry(SERVER, warm.process)
        try:
            async for verdict in inquiry.follow(lambda: None if question.done() else asked, question.done):
                if question.done() or warm.exited:
                    warm.hung = ""
                    self._note_advice(question)
                    return
                if verdict.hung:
                    warm.hung = str(verdict)
                    self.state.wake()
        finally:
            inquiry.close()
            question.cancel()
