"""Carries out actions. Never waits for a result: the next observation is the wait."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from seawall.control.journal import action_event
from seawall.control.observe import Tasks, wait_until_ready, watch
from seawall.control.running import Balancer, Running, Server, Warm, kill_group
from seawall.errors import EngineFailed, SeawallError, StateUnusable
from seawall.fleet import server as fleet_server
from seawall.fleet import warm as fleet_warm
from seawall.fleet.application import Application
from seawall.haproxy import process as haproxy
from seawall.haproxy.render import Edge, ServerAddress
from seawall.model import (
    Action,
    BalancerName,
    Event,
    ForgetServer,
    KillBalancer,
    KillServer,
    KillWarm,
    RetireBalancer,
    Route,
    SetStrategy,
    Site,
    StartBalancer,
    StartServer,
    StartWarm,
    StopServer,
    TakeOver,
)

DEADLINE = 0.5  # s for one balancer to carry out one step

Outcome = dict[str, SeawallError | None]  # kind of action → why it could not be done, or None


@dataclass
class Actor:
    """Everything an action needs. `wake` asks for the next tick; `say` tells an event; `save` records what runs."""

    running: Running
    application: Application
    edge: Edge
    tasks: Tasks
    wake: Callable[[], None]
    say: Callable[[Event], None]
    save: Callable[[], None]
    follow: Callable[[Warm], None]  # hear from a warm process until its end
    now: Callable[[], float]

    async def act(self, site: Site, actions: Sequence[Action]) -> Outcome:
        """Processes first, in order; then the steps at each balancer, in order, side by side for the balancers."""
        outcome: Outcome = {}
        for action in actions:
            if not isinstance(action, Route | SetStrategy):
                outcome[action_event(action).kind] = self._attempt(site, action)
        # The steps may take a while, and whoever comes after us must know what was started.
        self.save()
        await asyncio.gather(*(self._steps(name, actions) for name in self.running.balancers))
        return outcome

    def _attempt(self, site: Site, action: Action) -> SeawallError | None:
        try:
            self._process(site, action)
        except SeawallError as error:
            return error
        except OSError as error:
            paths = self.running.paths
            return StateUnusable(
                f"This failed: {action_event(action).kind}, because {action.reason}: {error}.",
                f"Make room or correct the permissions, then try again: df -h {paths.state} {paths.runtime}",
            )
        return None

    def _process(self, site: Site, action: Action) -> None:
        servers, balancers = self.running.servers, self.running.balancers
        match action:
            case StartWarm():
                self.start_warm()
            case KillWarm() if self.running.warm:
                kill_group(self.running.warm.process)
            case StartServer(server=name):
                self._start_server(name)
            case StopServer(server=name) if process := servers[name].process:
                process.signal(signal.SIGTERM)
            case KillServer(server=name, reason=reason) if process := servers[name].process:
                servers[name].ending = f"killed, because {reason}"
                kill_group(process)
            case ForgetServer(server=name):
                self._forget(name)
            case StartBalancer(balancer=balancer):
                self._start_balancer(balancers[balancer], site)
            case KillBalancer(balancer=balancer) if process := balancers[balancer].process:
                process.signal(signal.SIGKILL)
            case RetireBalancer(balancer=balancer) if process := balancers[balancer].process:
                process.signal(signal.SIGUSR1)
            case TakeOver(balancer=balancer) if self.running.listeners:
                self.running.listeners.steer(balancer)

    async def _steps(self, name: BalancerName, actions: Sequence[Action]) -> None:
        """A balancer that hangs costs one deadline, not one for each step: the next tick begins anew."""
        balancer = self.running.balancers[name]
        for action in actions:
            if isinstance(action, Route | SetStrategy) and action.balancer == name:
                try:
                    async with asyncio.timeout(DEADLINE):
                        await self._step(balancer, action)
                except (OSError, EngineFailed) as error:
                    self.say(Event("step-failed", name, f"balancer {name}: {action.reason}: {error or 'no answer'}"))
                    return

    async def _step(self, balancer: Balancer, action: Route | SetStrategy) -> None:
        if isinstance(action, SetStrategy):
            await balancer.socket.set_strategy(action.strategy)
            return
        server = self.running.servers.get(action.server)
        address = ServerAddress(action.server, server.address if server else "")
        await balancer.socket.step(action, address, self.edge)

    # Servers

    def _start_server(self, name: str) -> None:
        server = Server(name, self.now())
        self.running.servers[name] = server
        self.tasks.start(self._bring_up(server))

    async def _bring_up(self, server: Server) -> None:
        try:
            await self._launch(server)
        except (OSError, SeawallError) as error:
            server.exited, server.ending = True, str(error).rstrip(".")
            self.wake()
            return
        self.watch_server(server)
        self.save()
        await wait_until_ready(server, self.wake)

    async def _launch(self, server: Server) -> None:
        paths, application = self.running.paths, self.application
        if not self.running.wants_warm:
            server.process, server.address = fleet_server.spawn_cold(application, paths, server.name)
            return
        listener = fleet_server.listen(application, paths, server.name)
        # Only the server itself may hold its socket: then the socket closes with it, and HAProxy is refused at once
        # instead of waiting in the queue of a socket nobody reads.
        with contextlib.closing(listener):
            server.address = fleet_server.address(paths, server.name)
            server.process = await fleet_warm.fork(paths, server.name, listener)

    def watch_server(self, server: Server) -> None:
        process = server.process
        if process is None:
            return

        def ended() -> None:
            ending = process.reap()
            server.exited, server.ending = True, server.ending or ending
            self.wake()

        watch(process.pidfd, ended)

    def _forget(self, name: str) -> None:
        server = self.running.servers.pop(name)
        if server.process:
            if self.application.kind == "command":
                kill_group(server.process)
            server.process.close()
        self.running.paths.server_socket(name).unlink(missing_ok=True)

    # The warm process

    def start_warm(self) -> None:
        before = self.running.warm
        warm = self.running.warm = Warm(fleet_warm.spawn(self.application, self.running.paths), self.now())
        if before:
            before.process.close()
        self.watch_warm(warm)

    def watch_warm(self, warm: Warm) -> None:
        def ended() -> None:
            warm.exited = True
            warm.process.reap()
            self.wake()

        watch(warm.process.pidfd, ended)
        self.follow(warm)

    # Balancers

    def _start_balancer(self, balancer: Balancer, site: Site) -> None:
        running = self.running
        if running.listeners is None:
            return
        balancer.started = self.now()  # also of an attempt that fails: the pauses between attempts grow
        gone = running.memory.leaving.keys() | running.memory.stopping.keys()
        servers = [
            ServerAddress(server.name, server.address)
            for server in running.servers.values()
            if server.ready and not server.exited and server.name not in gone
        ]
        sockets = running.listeners.sockets(balancer.name)
        before = balancer.process
        balancer.process = haproxy.spawn(self.edge, balancer.name, running.paths, sockets, servers, site.strategy)
        if before:
            before.close()
        balancer.edge = self.edge.digest()
        balancer.exited = balancer.answering = balancer.busy = False
        balancer.missed = 0
        self.watch_balancer(balancer)

    def watch_balancer(self, balancer: Balancer) -> None:
        process = balancer.process
        if process is None:
            return

        def ended() -> None:
            balancer.exited, balancer.answering = True, False
            process.reap()
            self.wake()

        watch(process.pidfd, ended)
