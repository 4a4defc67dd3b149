"""One site's State with nothing running, and small real processes to put in its table."""

import asyncio
import ctypes
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seawall import members, model
from seawall.control.act.actor import Actor
from seawall.control.act.balancers import Balancers
from seawall.control.act.servers import Servers
from seawall.control.act.warms import Warms
from seawall.control.journal import Entry, Journal
from seawall.control.processes import Balancer, Processes, Server
from seawall.control.record import Record
from seawall.control.state import State
from seawall.control.tasks import Tasks
from seawall.control.wanted import Wanted
from seawall.fleet.application import Application
from seawall.model import BalancerName
from seawall.process import Process, spawn
from tests.haproxy.site import Site
from tests.patience import PATIENCE
from tests.patience import until as settled

SLEEP = "import time; time.sleep(600)"
PR_SET_CHILD_SUBREAPER = 36  # prctl(2)


@dataclass
class Parts:
    """What tests need to build a part of the control plane of `site`."""

    site: Site
    told: list[Entry] = field(default_factory=list)  # events
    failures: list[BaseException] = field(default_factory=list)  # that would end the control plane
    wake: Callable[[], None] = lambda: None
    state: State = field(init=False)

    def __post_init__(self) -> None:
        paths, wanted = self.site.paths, self.wanted()
        self.state = State(
            paths,
            wanted,
            Journal(paths.journal, self.told.append),
            Processes(paths),
            Record(),
            wanted.site,
            self._woken,
            self.failures.append,
        )
        self.state.listeners = self.site.listeners

    def _woken(self) -> None:
        self.wake()

    def wanted(self, target: str = "sleep 600") -> Wanted:
        """A command as the application: it needs no warm process."""
        folder, edge = self.site.paths.project, self.site.edge
        environment = {"PATH": os.defpath}
        application = Application("command", target, folder, Path(sys.executable), environment, None, concurrency=2)
        return Wanted("test", model.Site(edge=edge.digest()), application, edge, "127.0.0.1", self.site.ports)

    def kinds(self) -> list[str]:
        """What was told, by kind."""
        return [entry["kind"] for entry in self.told]

    def child(self, kind: str = "server", name: str = "s1", code: str = SLEEP) -> Process:
        """A real process, marked as those that the control plane starts are."""
        paths = self.site.paths
        marks = members.marked(paths.mark, kind, name)
        command = [sys.executable, "-S", "-c", code]
        process = spawn(command, folder=paths.project, environment=marks, log=paths.logs / "application.log")
        # Only once it has become the program, `members` and so `close` find it.
        environment = Path(f"/proc/{process.pid}/environ")
        settled(lambda: not process.alive or members.PROCESS.encode() in environment.read_bytes(), "its mark")
        return process

    def server(self, name: str = "s1", code: str = SLEEP, **fields: Any) -> Server:
        """A server in the table, with a process of its own."""
        server = Server(name, process=self.child("server", name, code), **fields)
        self.state.processes.add(server)
        return server

    def balancer(self, name: BalancerName) -> Balancer:
        """The running balancer of the site in the table."""
        process = Process.adopt(self.site.balancers[name].pid)
        assert process is not None
        balancer = Balancer(name, 1.0, process, edge=self.site.edge.digest())
        self.state.processes.add(balancer)
        return balancer

    @asynccontextmanager
    async def actor(self) -> AsyncIterator[Actor]:
        """What carries actions out, and the tasks it starts until the end of the block."""
        tasks = Tasks(self.failures.append)
        balancers = Balancers(self.state, tasks)
        servers = Servers(self.state, tasks, balancers.look_for_losses)
        try:
            yield Actor(self.state.paths, servers, Warms(self.state, tasks), balancers)
        finally:
            await tasks.cancel()

    def close(self) -> None:
        """End all that was started for the site."""
        for process in members.kill(members.of_site(self.site.paths.mark)):
            with suppress(ChildProcessError):
                os.waitid(os.P_PIDFD, process.pidfd, os.WEXITED | os.WNOWAIT)
            process.close()
        if self.state.listeners and self.state.listeners is not self.site.listeners:
            self.state.listeners.close()


async def until(done: Callable[[], object]) -> None:
    """Wait until `done()` is true, while the event loop goes on."""
    async with asyncio.timeout(PATIENCE):
        while not done():
            await asyncio.sleep(0.01)


@contextmanager
def parent_of_orphans() -> Iterator[None]:
    """Within the block the orphans of our children are ours, as the control plane's are."""
    prctl = ctypes.CDLL(None).prctl
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
