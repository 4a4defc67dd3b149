"""Ends a site in good order: no new visitors, requests in flight finished, then every process, then the files."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

from seawall.control.running import Balancer, Running, kill_group
from seawall.haproxy.finishing import Finishing
from seawall.process import Process

LOOK = 0.02  # s between two looks at who is still there
QUIET = 3  # looks in a row without a request: one whose first bytes have only just come is not overlooked
GRACE = 5.0  # s a process may take to end once nobody waits for it any more


async def stop(running: Running, timeout: float, forced: Callable[[], bool]) -> None:
    """End everything that `running` knows of, within `timeout` s plus a few; `forced` cuts the waiting short."""
    if running.listeners:
        running.listeners.close()
    await _finish(list(running.balancers.values()), timeout, forced)
    await _end(running.processes, signal.SIGTERM, GRACE, forced)
    for process in running.processes:
        process.reap()
    _remove_files(running)


async def _finish(balancers: Sequence[Balancer], timeout: float, forced: Callable[[], bool]) -> None:
    """No new visitors; end the balancers as soon as nobody waits for an answer, however many connections are open."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    async with AsyncExitStack() as stack:
        finishing = []
        for balancer in balancers:
            # One that hangs has nothing to finish.
            with contextlib.suppress(OSError):
                finishing.append(await stack.enter_async_context(Finishing(balancer.socket.path)))
        processes = [balancer.process for balancer in balancers if balancer.process]
        for process in processes:
            process.signal(signal.SIGUSR1)
        quiet = 0
        while quiet < QUIET and loop.time() < deadline and not forced():
            await asyncio.sleep(LOOK)
            quiet = 0 if await _requests(finishing) else quiet + 1
        for process in processes:
            process.signal(signal.SIGKILL)


async def _requests(balancers: Sequence[Finishing]) -> int:
    try:
        return sum([await balancer.requests() for balancer in balancers])
    except TimeoutError:
        return 1  # unknown, so wait


async def _end(
    processes: Sequence[Process], number: signal.Signals, timeout: float, forced: Callable[[], bool]
) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    for process in processes:
        process.signal(number)
        # One that is stopped would not hear anything but SIGKILL.
        process.signal(signal.SIGCONT)
    while any(process.alive for process in processes) and loop.time() < deadline and not forced():
        await asyncio.sleep(LOOK)
    for process in processes:
        kill_group(process)
    while any(process.alive for process in processes):
        await asyncio.sleep(LOOK)


def _remove_files(running: Running) -> None:
    """All but the lock, which whoever stops the site may hold."""
    paths = running.paths
    for folder in (paths.sockets, paths.runtime):
        for file in folder.iterdir():
            if file != paths.control_lock and not file.is_dir():
                file.unlink(missing_ok=True)
