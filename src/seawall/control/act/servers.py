"""Starts, stops and ends application servers."""

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from seawall import members, rights
from seawall.control import limits
from seawall.control.processes import Server
from seawall.control.state import State
from seawall.control.tasks import Tasks, watch
from seawall.errors import ApplicationFailed, EngineFailed, SeawallError
from seawall.fleet import server as fleet_server
from seawall.fleet import warm as fleet_warm
from seawall.fleet.server import admit_balancer, heartbeat, require_own, take
from seawall.model import Event, Site, StartServer
from seawall.process import Process

FIRST_ANSWER = 20.0  # s one question to a new server may take: a first page may
GRACE = 5.0  # s that what a command has left behind has to finish
PAUSE_LOOK = 0.05  # s between two looks at who is still there
PAUSE, LONGEST_PAUSE = 0.002, 0.1  # s between two questions to a server that does not listen yet


@dataclass
class Servers:
    """The servers of one site."""

    state: State
    tasks: Tasks
    died: Callable[[], None]  # told of the end of each
    _about: set[str] = field(default_factory=set)  # put on record, and not yet started
    # To be ended, by the name of their server: its process, and the seconds they have.
    _families: dict[str, tuple[Process | None, float]] = field(default_factory=dict)

    def about(self, actions: Sequence[StartServer], site: Site) -> None:
        """Put those that are about to be started on record."""
        if not actions:
            return
        self._about = {action.server for action in actions}
        now = asyncio.get_running_loop().time()
        warms = self.state.processes.warms
        self.state.processes.about(
            *(
                Server(action.server, now, generation=warms[action.warm].generation if action.warm else site.generation)
                for action in actions
            )
        )

    def give_up_the_rest(self) -> None:
        """Of those that were about to be started, the ones that nobody starts any more."""
        for name in self._about:
            if server := self.state.processes.servers.get(name):
                server.exited, server.ending = True, "it was not started"
        self._about = set()

    def start(self, name: str, warm: str) -> None:
        self._about.discard(name)
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
        limits.about(self.state, server.name)
        if not warm:
            with self.state.groups.doors(server.name) as doors:
                process, server.address = fleet_server.spawn_cold(application, paths, server.name, doors)
            server.beat = application.kind != "command"
            processes.exists(server, process)
            self.watch(server)
            return
        server.address, server.beat = fleet_server.address(paths, server.name), True

        def recorded(process: Process) -> None:
            if server.exited:
                # Nobody wants it any more; as it is not confirmed, it ends itself.
                raise ConnectionError(f"{server.name} is not wanted any more")
            processes.exists(server, process)
            self.watch(server)
            # It waits until it is told to serve, and has run nothing of the application yet.
            self.state.groups.enter(server.name, process)

        # Only the server itself may hold its sockets: then they close with it, and HAProxy is refused at once instead
        # of waiting in the queue of a socket nobody reads.
        with (
            fleet_server.listen(application, paths, server.name) as listener,
            fleet_server.listen_beat(paths, server.name) as beat,
        ):
            user = application.user[0] if application.user else None
            await fleet_warm.fork(
                paths, warm, server.name, listener, beat, recorded, user, concurrency=self.state.site.slots
            )

    def watch(self, server: Server) -> None:
        """Hear of its end."""
        process = server.process
        if process is None:
            return

        def ended() -> None:
            ending = process.reap()
            server.exited, server.ending = True, server.ending or self._out_of_memory(server) or ending
            self.died()
            self.state.wake()

        watch(process.pidfd, ended)

    def _out_of_memory(self, server: Server) -> str:
        """The limit that ended it, if one did; one that was asked to stop may have had a child that was ended so."""
        groups = self.state.groups
        if server.name in self.state.record.memory.stopping or not groups.full(server.name):
            return ""
        limit = f"its memory limit of {(groups.limits.memory or 0) >> 20} MB"
        self.state.say(Event("memory-limit", server.name, f"{server.name} was ended by {limit}"))
        return limit

    async def wait_until_ready(self, server: Server) -> None:
        """Ask a new server for its first heartbeat until it answers. That may take many seconds: keep asking."""
        pause = PAUSE
        account = self.state.wanted.application.user
        user = account[0] if account else os.geteuid()
        while not server.exited:
            try:
                await heartbeat(server.address, timeout=FIRST_ANSWER)
                require_own(server.address, user)
                server.address = take(self.state.paths, server.name, server.address)
                admit_balancer(server.address)
            except ApplicationFailed as error:
                self.kill(server.name, error.problem.rstrip("."))
                return
            except (OSError, EngineFailed):
                await asyncio.sleep(pause)
                pause = min(LONGEST_PAUSE, pause * 1.5)
                continue
            server.ready = True
            self.state.wake()
            return

    def stop(self, name: str) -> None:
        server = self.state.processes.servers[name]
        if server.process is None:
            server.exited = True  # it is being forked: see `recorded`
        elif self.state.wanted.application.kind == "command" and not server.exited:
            # Behind a shell script it is not the leader who has something to finish.
            os.killpg(server.process.pid, signal.SIGTERM)
        else:
            server.process.signal(signal.SIGTERM)

    def kill(self, name: str, why: str) -> None:
        server = self.state.processes.servers[name]
        server.ending = why
        if server.process:
            self._end_family(server)
        else:
            server.exited = True

    def forget(self, name: str) -> None:
        server = self.state.processes.servers[name]
        if self.state.wanted.application.kind == "command":
            # A command's children are the server as well (npm starts node), in sessions of their own or not.
            self._end_family(server, GRACE)
        self.state.processes.forget(server)
        fleet_server.remove_sockets(self.state.paths, name)
        self.state.groups.tidy(self.state.processes.servers)

    def _end_family(self, server: Server, grace: float = 0.0) -> None:
        """End a server and what it has started itself, after `grace` s. To find that takes a while: no tick waits."""
        if server.process and not server.exited and not grace:
            server.process.signal(signal.SIGKILL)
        self._families[server.name] = (server.process, grace)
        if len(self._families) == 1:
            self.tasks.start(self._end_families())

    async def _end_families(self) -> None:
        while self._families:
            families, seen = dict(self._families), await asyncio.to_thread(rights.as_ourselves, members.everybody)
            for name, (leader, grace) in families.items():
                found = members.of_process(self.state.paths.mark, "server", name, leader, seen)
                self.tasks.start(_end(members.adopted(found), grace))
                if self._families.get(name) == (leader, grace):
                    del self._families[name]


async def _end(processes: list[Process], grace: float) -> None:
    """SIGTERM, and SIGKILL to who is still there after `grace` s."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + grace
    try:
        for process in processes if grace else ():
            process.signal(signal.SIGTERM)
        while loop.time() < deadline and any(process.alive for process in processes):
            await asyncio.sleep(PAUSE_LOOK)
    finally:
        for process in processes:
            process.signal(signal.SIGKILL)
            process.close()
