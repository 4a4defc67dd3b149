"""Starts, stops and ends application servers."""

import asyncio
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from seawall import members
from seawall.control.processes import Server
from seawall.control.state import State
from seawall.control.tasks import Tasks, watch
from seawall.errors import EngineFailed, SeawallError
from seawall.fleet import server as fleet_server
from seawall.fleet import warm as fleet_warm
from seawall.fleet.server import admit_balancer, heartbeat
from seawall.model import Site, StartServer
from seawall.process import Process

FIRST_ANSWER = 20.0  # s one question to a new server may take: a first page may
PAUSE, LONGEST_PAUSE = 0.002, 0.1  # s between two questions to a server that does not listen yet


@dataclass
class Servers:
    """The servers of one site."""

    state: State
    tasks: Tasks
    died: Callable[[], None]  # told of the end of each

    def about(self, actions: Sequence[StartServer], site: Site) -> None:
        """Put those that are about to be started on record."""
        if not actions:
            return
        now = asyncio.get_running_loop().time()
        warms = self.state.processes.warms
        self.state.processes.about(
            *(
                Server(action.server, now, generation=warms[action.warm].generation if action.warm else site.generation)
                for action in actions
            )
        )

    def start(self, name: str, warm: str) -> None:
        self.tasks.start(self._bring_up(self.state.processes.servers[name], warm))

    async def _bring_up(self, server: Server, warm: str) -> None:
        try:
            await self._launch(server, warm)
        except (OSError, SeawallError) as error:
            if server.process is None:
                server.exited, server.ending = True, str(error).rstrip(".")
                self.state.wake()
            return
        await self.wait_until_ready(server)

    async def _launch(self, server: Server, warm: str) -> None:
        paths, application, processes = self.state.paths, self.state.wanted.application, self.state.processes
        if not warm:
            process, server.address = fleet_server.spawn_cold(application, paths, server.name)
            server.beat = application.kind != "command"
            processes.exists(server, process)
            self.watch(server)
            return
        server.address, server.beat = fleet_server.address(paths, server.name), True

        def recorded(process: Process) -> None:
            processes.exists(server, process)
            self.watch(server)

        # Only the server itself may hold its sockets: then they close with it, and HAProxy is refused at once instead
        # of waiting in the queue of a socket nobody reads.
        with (
            fleet_server.listen(application, paths, server.name) as listener,
            fleet_server.listen_beat(paths, server.name) as beat,
        ):
            user = application.user[0] if application.user else None
            await fleet_warm.fork(paths, warm, server.name, listener, beat, recorded, user)

    def watch(self, server: Server) -> None:
        """Hear of its end."""
        process = server.process
        if process is None:
            return

        def ended() -> None:
            ending = process.reap()
            server.exited, server.ending = True, server.ending or ending
            self.died()
            self.state.wake()

        watch(process.pidfd, ended)

    async def wait_until_ready(self, server: Server) -> None:
        """Ask a new server for its first heartbeat until it answers. That may take many seconds: keep asking."""
        pause = PAUSE
        while not server.exited:
            try:
                await heartbeat(server.address, timeout=FIRST_ANSWER)
                admit_balancer(server.address)
            except (OSError, EngineFailed):
                await asyncio.sleep(pause)
                pause = min(LONGEST_PAUSE, pause * 1.5)
                continue
            server.ready = True
            self.state.wake()
            return

    def stop(self, name: str) -> None:
        if process := self.state.processes.servers[name].process:
            process.signal(signal.SIGTERM)

    def kill(self, name: str, why: str) -> None:
        server = self.state.processes.servers[name]
        if server.process:
            server.ending = why
            self._kill_family(server)

    def forget(self, name: str) -> None:
        server = self.state.processes.servers[name]
        if self.state.wanted.application.kind == "command":
            # A command's children are the server as well (npm starts node), in sessions of their own or not.
            self._kill_family(server)
        self.state.processes.forget(server)
        fleet_server.remove_sockets(self.state.paths, name)

    def _kill_family(self, server: Server) -> None:
        """SIGKILL to a server and to what it has started itself."""
        if server.process and not server.exited:
            server.process.signal(signal.SIGKILL)
        site = self.state.paths.mark
        for process in members.kill(members.of_server(site, server.name, server.process)):
            process.close()
