"""The control plane's life: open or adopt, then observe → decide → act until it is told to stop or to leave."""

import asyncio
import contextlib
import ctypes
import os
import signal
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

from seawall.control import orders, record, verbs
from seawall.control.act.actor import Actor, Outcome
from seawall.control.act.balancers import Balancers
from seawall.control.act.servers import Servers
from seawall.control.act.warms import Warms
from seawall.control.api import Api
from seawall.control.giving_up import reason_to_give_up
from seawall.control.habits import Habits
from seawall.control.heartbeats import Heartbeats
from seawall.control.journal import Entry, Journal
from seawall.control.knocks import Knocks
from seawall.control.lock import Lock
from seawall.control.metrics import Meter
from seawall.control.observe import observe
from seawall.control.opening import open_site
from seawall.control.processes import Processes
from seawall.control.reload import Changes
from seawall.control.state import State
from seawall.control.status import status
from seawall.control.stop import left_behind, stop
from seawall.control.tasks import Tasks
from seawall.control.upkeep import Upkeep
from seawall.control.wanted import Wanted
from seawall.decide import crashing
from seawall.decide.plan import plan
from seawall.errors import SeawallError, shell
from seawall.model import Event
from seawall.paths import Paths

TICK = 0.5  # s between two looks when nothing calls for one
TICK_MOVING = 0.1  # s while something is under way, or there are requests
PR_SET_CHILD_SUBREAPER = 36  # prctl(2)

Ending = Literal["", "stop", "force", "leave"]


class Control:
    """One site under control. `tell` is given every event as it happens."""

    def __init__(self, paths: Paths, wanted: Wanted, lock: Lock, tell: Callable[[Entry], None]) -> None:
        self._wake = asyncio.Event()
        self._saved: Any = None
        self._failure: BaseException | None = None
        self._ending: Ending = ""
        processes = Processes(paths, self._save)
        known = record.load(paths, processes)
        journal = Journal(paths.journal, tell)
        self.state = State(paths, wanted, journal, processes, known, wanted.site, self.wake, self.fail)
        self.state.adopted = bool(processes.running)
        self.tasks = Tasks(self.fail)
        balancers = Balancers(self.state, self.tasks)
        servers = Servers(self.state, self.tasks, balancers.look_for_losses)
        warms = Warms(self.state, self.tasks)
        self.actor = Actor(paths, servers, warms, balancers)
        self.meter = Meter(processes)
        self.habits = Habits(paths.state / "forecast.json", self.state.troubles)
        self.heartbeats = Heartbeats(self.state, self.tasks)
        self.changes = Changes(self.state, warms, self.tasks)
        operator = verbs.Operator(self.state, self.meter, self.end, self.changes)
        self.api = Api(paths.control_socket, verbs.table(operator))
        self.knocks = Knocks(paths.knocks, self._knocked)
        self.upkeep = Upkeep(self.state, self.api, self.knocks, lock)
        self.changes.kept = self.upkeep.remember

    def wake(self) -> None:
        self._wake.set()

    def _knocked(self) -> None:
        self.state.knocked = True
        self.wake()

    def fail(self, error: BaseException) -> None:
        """End the control plane with this error."""
        self._failure = self._failure or error
        self.end("stop")

    def status(self) -> dict[str, Any]:
        """The state of the site as one JSON object."""
        return status(self.state, self.meter, self.changes.progress)

    def end(self, how: Literal["stop", "force", "leave"]) -> None:
        """Stop the site in good order, also while that is under way at once, or leave it to the next control plane."""
        if how == "force" or not self._ending:
            self._ending = how
        self._wake.set()

    async def run(self) -> None:
        """Serve until told to end, then end everything. Raises what keeps the site from starting."""
        # Servers are forked by the warm process, but their end is to be reported to us.
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._signals()
        try:
            changed = await open_site(self.state, self.actor)
            self.knocks.listen()
            self.upkeep.remember()
            await self.api.start()
            self.tasks.start(self.meter.run())
            self.tasks.start(self.upkeep.run())
            if changed:
                self.tasks.start(self.changes.resume())
            await self._loop()
        except SeawallError as error:
            self._failure = self._failure or error
        await self.tasks.cancel()
        self.knocks.close()
        left: list[str] = []
        if self._leaves():
            self._save()
        else:
            left = await self._stop()
        await self.api.stop()
        if self._failure:
            raise self._failure
        if left:
            raise left_behind(left)

    def _leaves(self) -> bool:
        """Whether what runs is left running: when told so, and when it is we who cannot go on.

        Only a site that has never served is ended because something fails.
        """
        failed, served = self._failure is not None, self.state.open or self.state.adopted
        return self._ending == "leave" or (failed and (served or not isinstance(self._failure, SeawallError)))

    async def _stop(self) -> list[str]:
        state = self.state
        forced = lambda: self._ending == "force"  # noqa: E731
        return await stop(state.processes, state.listeners, state.site.stop_timeout, forced, state.groups)

    def _signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # nohup(1) has SIGHUP ignored, and so it stays.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                loop.add_signal_handler(number, self._signalled, number)

    def _signalled(self, number: signal.Signals) -> None:
        if self._ending:
            # A second Ctrl-C is a person who does not want to wait; other signals are repeated by programs.
            self.end("force" if number == signal.SIGINT else "stop")
            return
        self.end("stop")
        more = "; Ctrl-C once more ends them at once" if number == signal.SIGINT else ""
        within = f"within {self.state.site.stop_timeout:g} s{more}"
        self.state.say(Event("stop", "site", f"{number.name}: requests in flight are finished, {within}"))

    async def _loop(self) -> None:
        while not self._ending:
            self._wake.clear()
            began = time.monotonic()
            try:
                self.state.moving = self.tick()
            except Exception as error:  # noqa: BLE001  the loop's edge: one bad round must not end the site's care
                trace = traceback.format_exc()
                self.state.say(Event("internal-error", "control", f"{error!r}; the next round follows\n{trace}"))
                self.state.moving = False
            self.state.ticks.append(time.monotonic() - began)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK_MOVING if self.state.moving or self.actor.balancers.loaded else TICK):
                    await self._wake.wait()

    def tick(self) -> bool:
        """One round. Returns whether something is under way."""
        state = self.state
        assert state.listeners is not None, "open_site opens the listeners before the first tick"
        reap_orphans(state.processes)
        now = time.monotonic()
        state.seen = observe(
            state.processes,
            self.actor.balancers.links,
            self.actor.balancers.tally,
            state.listeners.active,
            state.wants_warm,
            now,
        )
        expected = self.habits.expected(state.record.memory.sizing.start)
        state.seen = replace(state.seen, deaths=tuple(state.deaths), knocked=state.knocked, expected=expected)
        state.deaths, state.knocked = [], False
        self.heartbeats.look(state.seen)
        before = state.record.memory
        result = plan(state.site, state.seen, before, now)
        state.record.memory = result.memory
        if state.seen.load:
            self.habits.learn(result.memory.demand.places)
        if result.actions or result.events:
            state.journal.decision(state.site, state.seen, before, now, result)
            # Should we be killed in the middle: no name is ever given twice.
            self._save()
            self._heed(self.actor.act(state.site, result.actions))
            self._forget_orders()
        self.actor.balancers.refuse(crashing.refused(state.record.memory.crashes, now))
        self._announce()
        if error := reason_to_give_up(state):
            self.fail(error)
        self._save()
        state.journal.flush()
        memory = state.record.memory
        starting = any(not s.ready for s in state.processes.servers.values())
        return bool(result.actions or memory.leaving or memory.down or memory.stopping or starting)

    def _announce(self) -> None:
        """Tell, once, that the site can be visited."""
        state = self.state
        if state.open:
            return
        active = next((b for b in state.seen.balancers if b.name == state.seen.active), None)
        if state.adopted and state.record.memory.asleep_since is not None:
            state.open = True
            state.say(Event("open", "site", f"asleep: the next request to {state.wanted.urls[0]} starts a server"))
        elif active and active.answering and any(route.status == "up" for route in active.routes or ()):
            state.open = True
            seconds = time.monotonic() - state.began
            state.say(Event("open", "site", f"serving {state.wanted.urls[0]} after {seconds:.1f} s"))

    def _heed(self, outcome: Outcome) -> None:
        """What a site that serves survives, and tries again, is a reason to end one that has not begun to."""
        for kind, error in outcome.items():
            if error is None:
                self.state.troubles.over(kind)
            elif self.state.open or self.state.adopted:
                self.state.troubles.note(kind, f"{error.problem} It is tried again.")
            else:
                self.fail(error)

    def _forget_orders(self) -> None:
        """An operator's order ends with the server it was about."""
        there = self.state.processes.servers.keys()
        site = self.state.site
        self.state.site = replace(site, drain=site.drain & there, restart=site.restart & there)

    def _save(self) -> None:
        state = self.state
        state.record.listeners = state.listeners.to_record() if state.listeners else state.record.listeners
        state.record.orders = orders.to_record(state.site)
        wanted = record.to_record(state.processes, state.record)
        if wanted == self._saved and state.paths.processes.exists():
            return
        try:
            record.write(state.paths.processes, wanted)
        except OSError as error:
            room = f"Make room there: df -h {shell(state.paths.runtime)}"
            state.troubles.note("record", f"{state.paths.processes} cannot be written: {error.strerror}. {room}")
            return
        self._saved = wanted
        state.troubles.over("record")


def reap_orphans(processes: Processes) -> None:
    """Free the zombies of what servers started and left behind: as PR_SET_CHILD_SUBREAPER we are its new parent.

    Our own processes are left to their pidfds, which tell how they ended.
    """
    own = {process.pid for process in processes.running}
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) and ended.si_pid not in own:
            os.waitpid(ended.si_pid, os.WNOHANG)
