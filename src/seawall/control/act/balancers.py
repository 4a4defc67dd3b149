"""Starts, retires and ends balancers, decides with the kernel which is active, and hands steps to their links."""

import asyncio
import contextlib
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from seawall.control.link import Link, Step
from seawall.control.processes import Balancer
from seawall.control.state import State
from seawall.control.tally import Tally
from seawall.control.tasks import Tasks, watch
from seawall.decide.slots import given
from seawall.haproxy import process as haproxy
from seawall.haproxy.deaths import Losses
from seawall.haproxy.finishing import lead_inside
from seawall.haproxy.render import ServerAddress
from seawall.haproxy.socket import RuntimeSocket
from seawall.lost import Refused
from seawall.model import BALANCERS, BalancerName, Event, Site

ANSWER = 0.5  # s a balancer that is to finish may take to answer; one that hangs is told all the same


@dataclass
class Balancers:
    """The two balancers of one site."""

    state: State
    tasks: Tasks
    links: dict[str, Link] = field(default_factory=dict)
    losses: Losses = field(default_factory=Losses)
    tally: Tally = field(default_factory=Tally)

    def take_over(self, name: BalancerName) -> None:
        if self.state.listeners:
            self.state.listeners.steer(name)

    def start(self, name: BalancerName, site: Site) -> None:
        state = self.state
        assert state.listeners is not None, "a site is opened before anything is started"
        before = state.processes.balancers.get(name)
        # Known from the attempt on, also of one that fails: the pauses between attempts grow.
        balancer = Balancer(name, asyncio.get_running_loop().time(), edge=state.wanted.edge.digest())
        if before:
            state.processes.forget(before)
        state.processes.about(balancer)
        try:
            process = haproxy.spawn(
                state.wanted.edge, name, state.paths, state.listeners.sockets(name), self._servers(), site.strategy
            )
        except BaseException:
            balancer.exited = True
            raise
        state.processes.exists(balancer, process)
        self.watch(balancer)

    def _servers(self) -> list[ServerAddress]:
        memory = self.state.record.memory
        gone = memory.leaving.keys() | memory.stopping.keys()
        return [
            self._address(server.name)
            for server in self.state.processes.servers.values()
            if server.ready and not server.exited and server.name not in gone
        ]

    def watch(self, balancer: Balancer) -> None:
        """Hear of its end, and talk to it until then, unless it was told to finish."""
        process = balancer.process
        if process is None:
            return

        def ended() -> None:
            if not balancer.answering:
                why = haproxy.why_not(self.state.paths, cast(BalancerName, balancer.name)).splitlines()[-1]
                self.state.troubles.note(f"balancer {balancer.name}", f"HAProxy does not start: {why}")
            balancer.exited, balancer.answering = True, False
            balancer.ending = process.reap()
            balancer.socket.close()
            self.state.wake()

        watch(process.pidfd, ended)
        if balancer.name in self.state.record.memory.retiring:
            # Whoever decided that may have been killed before it was done; a second signal changes nothing.
            self.retire(cast(BalancerName, balancer.name))
            return
        self.losses.begin(balancer.name)
        link = self.links[balancer.name] = Link(
            balancer,
            self.state.wanted.edge,
            active=lambda: self.state.listeners is not None and self.state.listeners.active == balancer.name,
            moving=lambda: self.state.moving,
            address=self._address,
            wake=self.state.wake,
            answers=lambda: self.state.troubles.over(f"balancer {balancer.name}"),
            lost=lambda answer: self._lost(balancer.name, answer),
            counted=lambda *counted: self.tally.heard(balancer.name, process.pid, *counted),
            failed=lambda problem: self.state.say(Event("step-failed", balancer.name, problem)),
        )
        self.tasks.start(link.run())

    def _address(self, name: str) -> ServerAddress:
        server = self.state.processes.servers.get(name)
        if server is None:
            return ServerAddress(name, "", beat=False)
        return ServerAddress(name, server.address, server.beat, given(self.state.site, server.slots))

    @property
    def loaded(self) -> bool:
        """Whether there are requests to look after."""
        return any(link.loaded for link in self.links.values())

    def refuse(self, refused: Refused) -> None:
        """From now on, and from each balancer to come, these requests get no server."""
        for link in self.links.values():
            link.refused = refused

    def look_for_losses(self) -> None:
        """A server has died: somebody's request may have been the reason."""
        for link in self.links.values():
            link.look_for_losses()

    def post(self, steps: Sequence[Step]) -> None:
        for name, link in self.links.items():
            link.post([step for step in steps if step.balancer == name])

    def _lost(self, log: str, answer: str) -> None:
        alive = [name for name, server in self.state.processes.servers.items() if server.alive]
        deaths, bad = self.losses.new(log, answer, alive)
        self.state.deaths += deaths
        for one in bad:
            what = f"{one.method} {one.target}: the headers of {one.server}'s answer are too long, or it is no HTTP"
            self.state.say(Event("bad-answer", one.server, f"{what}; it was answered 502"))
        if deaths:
            self.state.wake()

    def kill(self, name: BalancerName) -> None:
        self._signal(name, signal.SIGKILL)

    def retire(self, name: BalancerName) -> None:
        """Let it finish its visitors' requests. Our own connection would keep it from ending."""
        if link := self.links.pop(name, None):
            link.end()
        balancer = self.state.processes.balancers.get(name)
        if balancer is None or not balancer.alive:
            return
        led = False
        try:
            lead_inside(self.state.paths.runtime, name, next(other for other in BALANCERS if other != name))
            led = True
        finally:
            self.tasks.start(self._finish(balancer, led))

    async def _finish(self, balancer: Balancer, led: bool) -> None:
        """The signal, once the connections inside that were begun before are accepted: those would be closed unheard.

        They are when it has answered twice, since HAProxy accepts and answers in turn.
        """
        with contextlib.closing(RuntimeSocket(balancer.socket.path)) as socket:
            for _ in range(2):
                await socket.heartbeat(ANSWER)
            if led:
                with contextlib.suppress(OSError):  # one that hangs is told to finish all the same
                    # Nobody tells it of a server any more. The other one is told.
                    await socket.let_go()
        if balancer.alive and balancer.process:
            balancer.process.signal(signal.SIGUSR1)

    def _signal(self, name: BalancerName, number: signal.Signals) -> None:
        balancer = self.state.processes.balancers.get(name)
        if balancer and balancer.process:
            balancer.process.signal(number)
