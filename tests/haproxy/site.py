"""A site of real balancers and small real servers, each of which a test may kill."""

import asyncio
import contextlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from seawall import paths as folders
from seawall.errors import EngineFailed
from seawall.haproxy import process
from seawall.haproxy.listeners import Listeners
from seawall.haproxy.render import Edge, ServerAddress
from seawall.haproxy.socket import RuntimeSocket
from seawall.model import BalancerName, Route, RouteStep, Strategy
from seawall.paths import Paths
from seawall.process import Process
from tests.patience import PATIENCE


def free_port(family: socket.AddressFamily = socket.AF_INET) -> int:
    with socket.socket(family) as trial:
        trial.bind(("", 0))
        return int(trial.getsockname()[1])


async def info(runtime: RuntimeSocket) -> dict[str, str]:
    """`show info`: Pid, Version, CurrConns …"""
    lines = (await runtime.ask("show info")).splitlines()
    return dict(line.split(": ", 1) for line in lines if ": " in line)


@dataclass
class Site:
    paths: Paths
    edge: Edge
    ports: dict[str, int]
    listeners: Listeners
    balancers: dict[BalancerName, Process] = field(default_factory=dict)
    upstreams: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    runtimes: dict[tuple[str, int, int], RuntimeSocket] = field(default_factory=dict)

    @property
    def journal(self) -> Path:
        return self.paths.logs / "journal"

    def address(self, name: str) -> ServerAddress:
        return ServerAddress(name, f"unix@{self.paths.server_socket(name)}")

    def upstream(self, *names: str) -> list[ServerAddress]:
        """Start servers and wait until they listen."""
        for name in names:
            path = self.paths.server_socket(name)
            path.unlink(missing_ok=True)
            script = Path(__file__).with_name("upstream.py")
            self.upstreams[name] = subprocess.Popen([sys.executable, "-S", script, path, name, self.journal])
        for name in names:
            _wait_for(self.paths.server_socket(name))
        return [self.address(name) for name in names]

    async def balancer(
        self, name: BalancerName, servers: list[ServerAddress], strategy: Strategy = "least-connections"
    ) -> RuntimeSocket:
        started = process.spawn(self.edge, name, self.paths, self.listeners.sockets(name), servers, strategy)
        self.balancers[name] = started
        runtime = self.runtime(name)

        async def answers() -> bool:
            if not started.alive:
                raise EngineFailed("HAProxy does not start.", detail=process.why_not(self.paths, name))
            with contextlib.suppress(OSError):  # a predecessor's socket may still be there
                return (await info(runtime)).get("Pid") == str(started.pid)
            return False

        await until(answers)
        return runtime

    def runtime(self, name: BalancerName) -> RuntimeSocket:
        """One for each process and event loop: it keeps its connection, and HAProxy has few."""
        key = (name, self.balancers[name].pid, id(asyncio.get_running_loop()))
        if key not in self.runtimes:
            self.runtimes[key] = RuntimeSocket(self.paths.balancer_socket(name))
        return self.runtimes[key]

    async def step(self, step: RouteStep, server: str, strategy: Strategy, balancer: BalancerName = "a") -> bool:
        route = Route("", balancer, strategy, server, step)
        return await self.runtime(balancer).steps([(route, self.address(server))], self.edge)

    def doubled_posts(self) -> list[str]:
        """The ids that more than one server, or one server twice, began to work on."""
        if not self.journal.exists():
            return []
        ids = [line.split()[0] for line in self.journal.read_text().splitlines()]
        return sorted({number for number in ids if ids.count(number) > 1})

    def close(self) -> None:
        for balancer in self.balancers.values():
            balancer.signal(signal.SIGKILL)
        for upstream in self.upstreams.values():
            upstream.kill()
        for upstream in self.upstreams.values():
            upstream.wait()
        for balancer in self.balancers.values():
            balancer.reap()
            balancer.close()
        self.listeners.close()


def _wait_for(path: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with socket.socket(socket.AF_UNIX) as trial:
            try:
                return trial.connect(str(path))
            except OSError:
                time.sleep(0.01)
    raise TimeoutError(path)


async def until(condition: Callable[[], Awaitable[bool]], timeout: float = PATIENCE) -> None:
    """Wait until the awaitable that `condition` makes is true."""
    async with asyncio.timeout(timeout):
        while not await condition():
            await asyncio.sleep(0.01)


def make(folder: Path, certificate: Path, address: str = "127.0.0.1", /, **changes: Any) -> Site:
    """A site with its sockets open and nothing else; `changes` are fields of Edge."""
    paths = Paths(folder / "p", folder / "r")
    paths.project.mkdir(exist_ok=True)
    folders.create(paths)
    ports = {"http": free_port(), "https": free_port()}
    edge = Edge(
        concurrency=4, request_timeout=10, queue_timeout=5, https_port=ports["https"], certificate=certificate,
        redirect=False, sticky=False, user=None, group=None, max_connections=6000,
        run_folder=paths.runtime,
    )  # fmt: skip
    if changes.get("https_port", True) is None:
        del ports["https"]
    return Site(paths, replace(edge, **changes), ports, Listeners.open(address, ports))
