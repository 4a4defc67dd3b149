"""Ends a site in good order: no new visitors, requests in flight finished, then every process, then the files."""

import asyncio
import signal
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

from seawall import files, members
from seawall.control.processes import Balancer, Processes
from seawall.errors import StateUnusable
from seawall.fleet.groups import Groups
from seawall.haproxy.finishing import Finishing
from seawall.haproxy.listeners import Listeners
from seawall.paths import Paths, bound_logs
from seawall.process import Process, state

LOOK = 0.02  # s between two looks at who is still there
QUIET = 3  # looks in a row without a request: one whose first bytes have only just come is not overlooked
GRACE = 5.0  # s a process may take to end once nobody waits for it any more


async def stop(
    processes: Processes,
    listeners: Listeners | None,
    timeout: float,
    forced: Callable[[], bool],
    groups: Groups,
) -> list[str]:
    """End everything that belongs to the site, within `timeout` s plus a few; `forced` cuts the waiting short.

    Returns what could not be ended, in words: a process that waits for a disk in the kernel hears no signal.
    """
    if listeners:
        listeners.close()
    await _finish(list(processes.balancers.values()), timeout, forced)
    running = list(reversed(processes.running))
    await end(running, forced)
    left = await _sweep(processes.paths, orphans=listeners is not None)
    left += bound_logs(processes.paths)  # what was printed since the last look
    for process in running:
        process.reap()
    left += await _remove_groups(groups)
    return left + _remove_files(processes.paths)


def left_behind(left: Sequence[str]) -> StateUnusable:
    """What to say of what `stop` could not end."""
    return StateUnusable(
        f"These could not be ended or removed: {', '.join(left)}.",
        "One in state D waits for a disk or a network file system; when that answers, it ends.",
    )


async def _finish(balancers: Sequence[Balancer], timeout: float, forced: Callable[[], bool]) -> None:
    """No new visitors; end the balancers as soon as nobody waits for an answer, however many connections are open."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    async with AsyncExitStack() as stack:
        finishing, told = [], []
        for balancer in balancers:
            try:
                finishing.append(await stack.enter_async_context(Finishing(balancer.socket.path)))
            except (FileNotFoundError, ConnectionError):
                # It was told to finish before, and closed the socket then: it ends when it has.
                told += [balancer.process] if balancer.process else []
            except OSError:
                continue  # one that hangs has nothing to finish
        processes = [balancer.process for balancer in balancers if balancer.process]
        for process in processes:
            process.signal(signal.SIGUSR1)
        quiet = 0
        while quiet < QUIET and loop.time() < deadline and not forced():
            await asyncio.sleep(LOOK)
            quiet = 0 if await _requests(finishing) or any(map(_works, told)) else quiet + 1
        for process in processes:
            process.signal(signal.SIGKILL)


async def _requests(balancers: Sequence[Finishing]) -> int:
    try:
        return sum([await balancer.requests() for balancer in balancers])
    except TimeoutError:
        return 1  # unknown, so wait


def _works(process: Process) -> bool:
    return process.alive and not process.stopped


async def end(processes: Sequence[Process], forced: Callable[[], bool] = lambda: False) -> None:
    """SIGTERM to each, and SIGKILL to those that are still there after a while, or at once where it is `forced`."""
    for process in processes:
        process.signal(signal.SIGTERM)
        # One that is stopped would not hear anything but SIGKILL.
        process.signal(signal.SIGCONT)
    await _gone(processes, GRACE, forced)
    for process in processes:
        process.signal(signal.SIGKILL)
    await _gone(processes, GRACE, lambda: False)


async def _gone(processes: Sequence[Process], timeout: float, forced: Callable[[], bool]) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    while any(process.alive for process in processes) and loop.time() < deadline and not forced():
        await asyncio.sleep(LOOK)


async def _sweep(paths: Paths, orphans: bool) -> list[str]:
    """End what the site's processes have started and left, and whatever nobody has on record.

    A control plane has taken in `orphans`, which may show no mark.
    """

    def belonging() -> list[members.Member]:
        return list({*members.of_site(paths.mark), *(members.orphans(paths.mark) if orphans else ())})

    for _ in range(3):  # what is killed may just have started another
        if not (found := belonging()):
            return []
        killed = members.kill(found)
        await _gone(killed, GRACE, lambda: False)
        for process in killed:
            process.close()
    return [f"{members.describe(member.pid)}, in state {state(member.pid)}" for member in belonging()]


async def _remove_groups(groups: Groups) -> list[str]:
    """A process that has just ended may still count as in its group for a moment."""
    deadline = asyncio.get_running_loop().time() + GRACE
    while (left := groups.remove()) and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(LOOK)
    return [f"the control group {group}" for group in left]


def _remove_files(paths: Paths) -> list[str]:
    """All but the lock, which whoever stops the site may hold. Returns what could not be removed, in words."""
    left = []
    for folder in (paths.sockets, paths.offered, paths.runtime):
        for file in folder.iterdir() if folder.is_dir() else ():
            if file not in (paths.control_lock, paths.sockets, paths.offered):
                try:
                    files.remove(file)
                except OSError as error:
                    left.append(f"the file {file} ({error.strerror})")
    return left
