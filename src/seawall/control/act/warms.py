"""Starts and ends warm processes, and hears what they say of the application."""

import asyncio
import signal
from dataclasses import dataclass, replace
from typing import NamedTuple

from seawall import members
from seawall.control.inquiry import Inquiry
from seawall.control.processes import Warm
from seawall.control.state import State
from seawall.control.tasks import Tasks, watch
from seawall.errors import ApplicationFailed
from seawall.fleet import warm as fleet_warm
from seawall.fleet.application import Application
from seawall.fleet.warm import WarmReport
from seawall.judge import SERVER
from seawall.model import Event
from seawall.process import Process

BEAT = 1.0  # s between two heartbeats
END = 5.0  # s a killed one may take to be gone
NEXT = "code"  # what a failing import is a trouble of


class Attempt(NamedTuple):
    """A warm process that has imported the application with settings that are not in effect yet."""

    warm: Warm
    report: WarmReport


@dataclass
class Warms:
    """The warm processes of one site: the present one, and while all is imported anew the next."""

    state: State
    tasks: Tasks

    def start(self, name: str, generation: int) -> None:
        now = asyncio.get_running_loop().time()
        warm = Warm(name, now, generation=generation, protocol=fleet_warm.VERSION)
        self._spawn(warm, self.state.wanted.application)
        self.tasks.start(self._follow(warm))

    def _spawn(self, warm: Warm, application: Application) -> None:
        """Start it, and hear of its end."""
        self.state.processes.about(warm)
        try:
            beside = any(other.ready for other in self.state.processes.warms.values())
            process = fleet_warm.spawn(application, self.state.paths, warm.name, strict=beside)
        except BaseException:
            self.state.processes.forget(warm)
            raise
        self.state.processes.exists(warm, process)
        self._await_end(warm, process)

    def _await_end(self, warm: Warm, process: Process) -> None:
        def ended() -> None:
            warm.exited, warm.ready = True, False
            warm.ending = process.reap()
            self.state.wake()

        watch(process.pidfd, ended)

    def watch(self, warm: Warm) -> None:
        """Hear of the end of one that was adopted, and of what it says until then.

        One of another protocol, adopted from another version of Seawall, would not understand us. It is ended; its
        servers are left alone, and the next ones come from one of ours.
        """
        process = warm.process
        if process is None:
            return
        self._await_end(warm, process)
        if warm.protocol == fleet_warm.VERSION:
            self.tasks.start(self._follow(warm))
        else:
            process.signal(signal.SIGKILL)

    async def attempt(self, application: Application) -> Attempt:
        """Import an application that is not wanted yet. Raises ApplicationFailed, and leaves nothing behind then."""
        memory = self.state.record.memory
        name = f"w{memory.next_warm}"
        self.state.record.memory = replace(memory, next_warm=memory.next_warm + 1)
        now = asyncio.get_running_loop().time()
        warm = Warm(name, now, protocol=fleet_warm.VERSION, trial=True)
        self._spawn(warm, application)
        report = await fleet_warm.status(self.state.paths, name, timeout=self.state.site.start_timeout)
        if report.ready:
            return Attempt(warm, report)
        problem, output = await self._why_failed(warm, report)
        await self._remove(warm)
        raise ApplicationFailed(problem, "What runs goes on as it is. Correct it, then: seawall reload", output)

    def accept(self, attempt: Attempt, generation: int) -> None:
        """From now on servers come from it."""
        warm = attempt.warm
        warm.trial, warm.generation = False, generation
        self.state.wants_warm = True
        self._welcome(warm, attempt.report)
        self.tasks.start(self._follow(warm))
        if not self.state.wants_warm:
            for name, other in self.state.processes.warms.items():
                if other is not warm:
                    self.kill(name)

    async def discard(self, attempt: Attempt) -> None:
        """End one that nobody wants after all."""
        self.kill(attempt.warm.name)
        await self._remove(attempt.warm)

    async def _remove(self, warm: Warm) -> None:
        """Forget one that was killed, once it has ended. One that does not end is on record, and `down` tries again."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + END
        while not warm.exited and loop.time() < deadline:
            await asyncio.sleep(0.01)
        if warm.exited:
            self.forget(warm.name)

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
        else:
            self._welcome(warm, report)

    def _welcome(self, warm: Warm, report: WarmReport) -> None:
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
        problem, output = await self._why_failed(warm, report)
        if self.state.record.memory.opened:
            reason = output.splitlines()[-1]
            self.state.say(Event("application-failed", warm.name, f"{reason}: {problem}"))
            self.state.troubles.note(NEXT, f"{reason}: the new code does not start, the old goes on: seawall logs")
        else:
            self.state.fail(ApplicationFailed(problem, "Correct it, then run `seawall up` again.", output))

    async def _why_failed(self, warm: Warm, report: WarmReport) -> tuple[str, str]:
        """Ends one that could not import the application. Returns what is wrong, and what it printed."""
        if not report.failed:
            limit = f"servers.start_timeout = {self.state.site.start_timeout:g} s"
            problem, output = f"The application was not imported within {limit}.", ""
        else:
            problem, output = "The application does not start.", report.failed
        ending = await self._end(warm)
        if ending.startswith("killed") and report.failed and report.ended:
            problem = f"The application does not start; it was {ending}."
        return problem, output or fleet_warm.last_output(self.state.paths)

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
