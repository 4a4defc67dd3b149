"""The control plane's life: open or adopt, then observe → decide → act until it is told to stop."""

import asyncio
import contextlib
import ctypes
import signal
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from seawall.control import verbs
from seawall.control.act import Actor, Outcome
from seawall.control.adopt import open_site
from seawall.control.api import Api
from seawall.control.journal import Entry, Journal
from seawall.control.metrics import Meter
from seawall.control.observe import Tasks, beat, observe
from seawall.control.running import Running, load, reap_orphans
from seawall.control.status import status
from seawall.control.stop import stop
from seawall.control.troubles import Troubles
from seawall.control.wanted import Wanted
from seawall.control.warming import follow_warm
from seawall.decide.plan import plan
from seawall.errors import ApplicationFailed, SeawallError
from seawall.fleet import warm as fleet_warm
from seawall.fleet.warm import Advice
from seawall.model import Event, Observed
from seawall.paths import Paths

TICK = 0.5  # s between two looks when nothing calls for one
TICK_MOVING = 0.1  # s while something is under way
TICKS = 600  # remembered: some minutes
GIVE_UP = 2  # servers that die before any has answered
PR_SET_CHILD_SUBREAPER = 36  # prctl(2)


class Control:
    """One site under control. `tell` is given every event as it happens."""

    def __init__(self, paths: Paths, wanted: Wanted, tell: Callable[[Entry], None]) -> None:
        self.paths = paths
        self.wanted = wanted
        self.site = wanted.site
        self.journal = Journal(paths.journal, tell)
        self.running: Running = load(paths)
        self.meter = Meter(self.running)
        self.stopping = asyncio.Event()
        self.forced = False
        self.seen = Observed()
        self.advice: tuple[Advice, ...] = ()
        self.began = time.monotonic()
        self.ticks: deque[float] = deque(maxlen=TICKS)  # s each of the last took
        self.open = False
        self.adopted = False
        self._wake = asyncio.Event()
        self._failure: BaseException | None = None
        self.tasks = Tasks(self.fail)
        self._saved: Any = None
        self.troubles = Troubles(self.journal.event)
        self.actor = Actor(
            self.running,
            wanted.application,
            wanted.edge,
            self.tasks,
            self.wake,
            self.journal.event,
            self._save,
            lambda warm: self.tasks.start(follow_warm(self, warm)),
            time.monotonic,
        )

    def wake(self) -> None:
        self._wake.set()

    def fail(self, error: BaseException) -> None:
        """End the control plane with this error."""
        self._failure = self._failure or error
        self.stopping.set()
        self._wake.set()

    def status(self) -> dict[str, Any]:
        """The state of the site as one JSON object."""
        return status(self)

    async def run(self) -> None:
        """Serve until told to stop, then end everything. Raises what keeps the site from starting."""
        # Servers are forked by the warm process, but their end is to be reported to us.
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._signals()
        self.adopted = bool(self.running.servers)
        api = Api(self.paths.control_socket, verbs.table(self))
        try:
            await open_site(self)
            await api.start()
            self._start_tasks()
            await self._loop()
        except SeawallError as error:
            self._failure = error
        await self.tasks.cancel()
        # Neither a site that served before this control plane came, nor one whose control plane has a bug, is ended
        # because this one cannot go on.
        if self._failure is None or (isinstance(self._failure, SeawallError) and not self.adopted):
            await stop(self.running, self.site.stop_timeout, lambda: self.forced)
        await api.stop()
        if self._failure:
            raise self._failure

    def _signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._signalled, number)

    def _signalled(self, number: signal.Signals) -> None:
        first = not self.stopping.is_set()
        self.stop()
        if first:
            within = f"within {self.site.stop_timeout:g} s; once more ends them at once"
            self.journal.event(Event("stop", "site", f"{number.name}: requests in flight are finished, {within}"))

    def stop(self) -> None:
        """Stop in good order; asked a second time: at once."""
        self.forced = self.stopping.is_set()
        self.stopping.set()
        self._wake.set()

    def _start_tasks(self) -> None:
        listeners = self.running.listeners
        for balancer in self.running.balancers.values():
            name = balancer.name

            def is_active(name: str = name) -> bool:
                return listeners is not None and listeners.active == name

            self.tasks.start(beat(balancer, is_active, self.wake))
        self.tasks.start(self.meter.run())

    async def _loop(self) -> None:
        while not self.stopping.is_set():
            self._wake.clear()
            began = time.monotonic()
            try:
                moving = await self.tick()
            except Exception as error:  # noqa: BLE001  the loop's edge: one bad round must not end the site's care
                trace = traceback.format_exc()
                self.journal.event(Event("internal-error", "control", f"{error!r}; the next round follows\n{trace}"))
                moving = False
            self.ticks.append(time.monotonic() - began)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TICK_MOVING if moving else TICK):
                    await self._wake.wait()

    async def tick(self) -> bool:
        """One round. Returns whether something is under way."""
        running = self.running
        assert running.listeners is not None, "open_site opens the listeners before the first tick"
        reap_orphans(running)
        now = time.monotonic()
        observed = await observe(running, running.listeners.active, now)
        self.seen = observed
        before = running.memory
        result = plan(self.site, observed, before, now)
        running.memory = result.memory
        if result.actions or result.events:
            self.journal.decision(self.site, observed, before, now, result)
            # Should we be killed in the middle: no name is ever given twice.
            self._save()
            self._heed(await self.actor.act(self.site, result.actions))
            self._forget_orders()
        self._announce()
        self._give_up()
        self._save()
        self.journal.flush()
        memory = running.memory
        starting = any(not s.ready for s in running.servers.values())
        return bool(result.actions or memory.leaving or memory.down or memory.stopping or starting)

    def _announce(self) -> None:
        """Tell, once, that the site can be visited."""
        if self.open:
            return
        active = next((b for b in self.seen.balancers if b.name == self.seen.active), None)
        if active and active.answering and any(route.status == "up" for route in active.routes or ()):
            self.open = True
            seconds = time.monotonic() - self.began
            self.journal.event(Event("open", "site", f"serving {self.wanted.urls[0]} after {seconds:.1f} s"))

    def _give_up(self) -> None:
        """An application that has never answered and keeps dying is a mistake to show, not a fault to survive."""
        memory = self.running.memory
        if not memory.opened and memory.deaths >= GIVE_UP:
            died = [entry["text"] for entry in self.journal.recent if entry["kind"] == "forget-server"]
            remedy = f"What it printed is in {self.paths.logs}."
            if self.wanted.application.kind == "command":
                remedy = f"A command must listen on the port {{port}} or on the unix socket {{socket}}. {remedy}"
            output = fleet_warm.last_output(self.paths)
            self.fail(ApplicationFailed(f"The application does not start: {died[-1]}.", remedy, output))

    def _heed(self, outcome: Outcome) -> None:
        """What a site that serves survives, and tries again, is a reason to end one that has not begun to."""
        for kind, error in outcome.items():
            if error is None:
                self.troubles.over(kind)
            elif self.open or self.adopted:
                self.troubles.note(kind, f"{error.problem} It is tried again.")
            else:
                self.fail(error)

    def _forget_orders(self) -> None:
        """An operator's order ends with the server it was about."""
        there = self.running.servers.keys()
        self.site = replace(self.site, drain=self.site.drain & there, restart=self.site.restart & there)

    def _save(self) -> None:
        record = self.running.record()
        if record == self._saved:
            return
        try:
            self.running.save()
        except OSError as error:
            room = f"Make room there: df -h {self.paths.runtime}"
            self.troubles.note("record", f"{self.paths.processes} cannot be written: {error.strerror}. {room}")
            return
        self._saved = record
        self.troubles.over("record")
