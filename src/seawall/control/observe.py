"""What is seen: processes, heartbeats and the balancers' own word in one Observed, each source with a deadline."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from seawall.control.running import Balancer, Running, Server
from seawall.errors import EngineFailed
from seawall.fleet.server import admit_balancer, heartbeat
from seawall.model import BalancerName, BalancerSeen, Observed, RouteSeen, ServerSeen, Strategy, WarmSeen

DEADLINE = 0.5  # s for a balancer to say what it does
BEAT = 0.1  # s between two heartbeats of the active balancer, and how long each may take
BEAT_SPARE = 0.3  # s: nobody waits for the spare
IDLE = 1.0  # s without using the processor after which a server that owes a heartbeat is frozen


async def observe(running: Running, active: BalancerName, now: float) -> Observed:
    """Everything as it is now. What does not answer in time is said to be unknown, never assumed."""
    words = await asyncio.gather(*(_word(balancer) for balancer in running.balancers.values()))
    balancers = tuple(
        _balancer(balancer, routes, strategy)
        for balancer, (routes, strategy) in zip(running.balancers.values(), words, strict=True)
    )
    down = {route.server for seen in balancers for route in seen.routes or () if route.status == "down"}
    servers = tuple(_server(server, server.name in down, now) for server in running.servers.values())
    return Observed(servers, balancers, active, _warm(running))


def _server(server: Server, down: bool, now: float) -> ServerSeen:
    return ServerSeen(
        server.name,
        server.started,
        alive=not server.exited,
        ready=server.ready,
        frozen=down and _frozen(server, now),
        ending=server.ending,
    )


def _frozen(server: Server, now: float) -> bool:
    """Whether a server that fails its heartbeats is stopped or does nothing, so that waiting for it is in vain."""
    if server.process is None or server.exited:
        return False
    cpu = server.process.cpu
    if cpu != server.cpu:
        server.cpu, server.idle_since = cpu, now
    return server.process.stopped or now - server.idle_since > IDLE


def _balancer(balancer: Balancer, routes: tuple[RouteSeen, ...] | None, strategy: Strategy | None) -> BalancerSeen:
    return BalancerSeen(
        balancer.name,
        alive=balancer.process is not None and not balancer.exited,
        answering=balancer.answering,
        missed=balancer.missed,
        busy=balancer.busy,
        edge=balancer.edge,
        started=balancer.started,
        strategy=strategy,
        routes=routes,
    )


async def _word(balancer: Balancer) -> tuple[tuple[RouteSeen, ...] | None, Strategy | None]:
    """What a balancer says of its servers and strategy; (None, None) if it does not say in time."""
    if balancer.process is None or balancer.exited or balancer.missed:
        return None, None
    try:
        async with asyncio.timeout(DEADLINE):
            return await balancer.socket.routes(), await balancer.socket.strategy()
    except (OSError, EngineFailed):
        return None, None


def _warm(running: Running) -> WarmSeen | None:
    warm = running.warm
    if warm is None:
        return WarmSeen() if running.wants_warm else None
    return WarmSeen(alive=not warm.exited, ready=warm.ready, started=warm.started, missed=warm.missed)


async def beat(balancer: Balancer, is_active: Callable[[], bool], wake: Callable[[], None]) -> None:
    """Ask one balancer for a sign of life, forever; `wake` when it starts to answer or misses twice."""
    cpu = 0
    while True:
        await asyncio.sleep(BEAT if is_active() or not balancer.answering else BEAT_SPARE)
        process = balancer.process
        if process is None or balancer.exited:
            continue
        if not await balancer.socket.heartbeat(BEAT):
            used = process.cpu
            balancer.missed += balancer.answering
            balancer.busy, cpu = used > cpu, used
            if balancer.missed > 1:
                wake()
            continue
        if not balancer.answering:
            balancer.answering = True
            wake()
        balancer.missed, balancer.busy = 0, False


async def wait_until_ready(server: Server, wake: Callable[[], None]) -> None:
    """Ask a new server for its first heartbeat until it answers. A first answer may take many seconds: keep asking."""
    pause = 0.002
    while not server.exited:
        try:
            await heartbeat(server.address, timeout=20.0)
            admit_balancer(server.address)
        except (OSError, EngineFailed):
            await asyncio.sleep(pause)
            pause = min(0.1, pause * 1.5)
            continue
        server.ready = True
        wake()
        return


def watch(fd: int, then: Callable[[], None]) -> None:
    """Call `then` once, when the process behind a pidfd has ended."""
    loop = asyncio.get_running_loop()

    def ended() -> None:
        loop.remove_reader(fd)
        then()

    loop.add_reader(fd, ended)


class Tasks:
    """Background tasks of the control plane: kept referenced, and their failures handed to one place."""

    def __init__(self, failed: Callable[[BaseException], None]) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._failed = failed

    def start(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._failed(error)

    async def cancel(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
