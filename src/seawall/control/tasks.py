"""Background tasks of the control plane, and hearing of the end of a process."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class Tasks:
    """Background tasks: kept referenced, their failures handed to one place, all ended by `cancel`."""

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


def watch(fd: int, then: Callable[[], None]) -> None:
    """Call `then` once, when the process behind a pidfd has ended."""
    loop = asyncio.get_running_loop()

    def ended() -> None:
        loop.remove_reader(fd)
        then()

    loop.add_reader(fd, ended)
