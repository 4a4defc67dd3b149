"""Ends a site in good order: no new visitors, requests in flight finished, then every process, then the files."""

import asyncio
import signal
from collections.abc import Callable, Sequence

from seawall.control.running import Running, kill_group
from seawall.process import Process

LOOK = 0.02  # s between two looks at who is still there
GRACE = 5.0  # s a process may take to end once nobody waits for it any more


async def stop(running: Running, timeout: float, forced: Callable[[], bool]) -> None:
    """End everything that `running` knows of, within `timeout` s plus a few; `forced` cuts the waiting short."""
    if running.listeners:
        running.listeners.close()
    balancers = [b.process for b in running.balancers.values() if b.process]
    rest = [process for process in running.processes if process not in balancers]
    await _end(balancers, signal.SIGUSR1, timeout, forced)
    await _end(rest, signal.SIGTERM, GRACE, forced)
    for process in running.processes:
        process.reap()
    _remove_files(running)


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
    paths = running.paths
    for server in running.servers:
        paths.server_socket(server).unlink(missing_ok=True)
    for balancer in running.balancers:
        paths.balancer_socket(balancer).unlink(missing_ok=True)
        paths.balancer_config(balancer).unlink(missing_ok=True)
    for file in (paths.warm_socket, paths.strategy_map, paths.processes):
        file.unlink(missing_ok=True)
