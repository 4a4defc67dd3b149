"""Asks servers for signs of life: Python servers always, by a thread of their own; any other once a balancer misses it.

The balancers' own heartbeats decide who gets requests. These tell who hangs, and so has to be replaced.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from seawall.control.processes import Server, Warm
from seawall.control.state import State
from seawall.control.tasks import Tasks
from seawall.decide.slots import taken
from seawall.fleet import server as fleet_server
from seawall.judge import SERVER, Family, Pulse, Threads, Verdict, Watch, done_by
from seawall.judge.pace import ASK
from seawall.model import Observed

CALM = 1.0  # s between two questions to a server that nothing speaks against


@dataclass
class GivenUp:
    """Since when a server works only on requests whose visitors have gone, and has ended none."""

    ended: int = -1
    since: float = 0.0

    def seconds(self, pulse: Pulse, places: int, now: float) -> float:
        if pulse.abandoned < places or pulse.ended != self.ended:
            self.ended, self.since = pulse.ended, now
        return now - self.since


@dataclass
class Heartbeats:
    """One task for each server that is asked."""

    state: State
    tasks: Tasks
    down: set[str] = field(default_factory=set)  # servers that fail the heartbeats of the active balancer
    followed: set[str] = field(default_factory=set)

    def look(self, seen: Observed) -> None:
        """Take up those that are to be asked from now on."""
        active = next((balancer for balancer in seen.balancers if balancer.name == seen.active), None)
        if active and active.routes is not None:
            self.down = {route.server for route in active.routes if route.status == "down"}
        for name, server in self.state.processes.servers.items():
            if name not in self.followed and self._to_be_asked(server):
                self.followed.add(name)
                self.tasks.start(self._follow(server))
        beginners: list[Server | Warm] = [*self.state.processes.servers.values(), *self.state.processes.warms.values()]
        for one in beginners:
            if one.alive and not one.ready:
                self._look_at_beginner(one)

    def _look_at_beginner(self, one: Server | Warm) -> None:
        """Who has not answered yet owes no heartbeat; but who is stopped, twice in a row, will not begin by itself."""
        assert one.process is not None
        one.stopped = one.stopped + 1 if one.process.stopped else 0
        one.hung = str(Verdict.STOPPED) if one.stopped > 1 else ""

    def _to_be_asked(self, server: Server) -> bool:
        """A command knows nothing of our heartbeats; an idle one is not to be woken by them."""
        if not server.alive or not server.ready or server.name in self.state.record.memory.stopping:
            return False
        return server.beat or server.name in self.down

    async def _follow(self, server: Server) -> None:
        assert server.process is not None
        loop = asyncio.get_running_loop()
        # A command may leave its work to children (npm, sh, workers).
        kind = Threads if server.beat else Family
        watch = Watch(kind(server.process.pid, server.process.started), SERVER, loop.time())
        given_up = GivenUp()
        try:
            while self._to_be_asked(server):
                await asyncio.sleep(max(0.0, watch.due - loop.time()))
                await self._ask(server, watch, given_up)
                suspect = server.name in self.down or server.busy
                watch.pace.every = ASK if suspect else CALM
        finally:
            watch.close()
            self.followed.discard(server.name)

    async def _ask(self, server: Server, watch: Watch, given_up: GivenUp) -> None:
        """One question, and looks at the process until it is answered, or the server is gone."""
        loop = asyncio.get_running_loop()
        question = asyncio.create_task(self._question(server))
        watch.asked(loop.time())
        try:
            while not await done_by(question, watch.due):
                self._judged(server, _known(lambda: watch.look(loop.time(), question.done)))
                if not server.alive:
                    return
        finally:
            question.cancel()
            await asyncio.gather(question, return_exceptions=True)
        if not question.cancelled() and question.exception() is None:
            pulse = question.result()
            self._judged(server, _known(lambda: watch.answered(loop.time(), pulse)), pulse, given_up)
        else:
            # It refused, or what it said made no sense: an answer of a kind, which the balancers judge.
            watch.answered(loop.time())

    async def _question(self, server: Server) -> Pulse | None:
        if server.beat:
            told = taken(self.state.site, self.state.seen, server.name, server.slots)
            # It may take no more from the moment at which it hears so, which is before we hear that it has.
            server.slots = min(server.slots, told)
            return await fleet_server.pulse(self.state.paths, server.name, timeout=None, slots=told)
        await fleet_server.heartbeat(server.address, timeout=None)
        return None

    def _judged(
        self, server: Server, verdict: Verdict, pulse: Pulse | None = None, given_up: GivenUp | None = None
    ) -> None:
        edge = self.state.wanted.edge
        hung = str(verdict) if verdict.hung else ""
        if pulse and given_up:
            self._takes(server, pulse.slots)
            places = server.slots or self.state.site.slots
            seconds = given_up.seconds(pulse, places, asyncio.get_running_loop().time())
            server.busy = verdict == Verdict.BUSY or pulse.abandoned >= places
            if seconds > edge.request_timeout:
                hung = f"works only on requests that nobody waits for any more, for {seconds:.0f} s"
        if hung != server.hung:
            server.hung = hung
            self.state.wake()

    def _takes(self, server: Server, slots: int) -> None:
        if slots != server.slots:
            server.slots = slots
            self.state.wake()


def _known(look: Callable[[], Verdict]) -> Verdict:
    """A verdict, where there are descriptors left for files in /proc: what is unknown proves nothing."""
    try:
        return look()
    except OSError:
        return Verdict.WAITING
