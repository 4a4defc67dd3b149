"""Whether an answer has arrived, asked of the socket itself, since an event loop's timeout does not mean that none has.

A loop that is late runs its timers although the answer lies there, and asyncio.timeout() around sock_recv() even throws
away what it has just read. So wait here, read without waiting, and judge only if nothing came.
"""

import asyncio
import select
from typing import Any

ROUNDS = 8  # of the event loop: connected, written, woken, read, parsed, done, and two more


def readable(fd: int) -> bool:
    """Whether something has arrived that nobody has read: an answer, or the end of a connection."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(0))


async def readable_by(fd: int, until: float) -> bool:
    """Wait until something can be read from `fd`, up to the loop's time `until`; whether it can, also if it is later.

    `fd` must not belong to a transport or a stream.
    """
    loop = asyncio.get_running_loop()
    woken = loop.create_future()
    loop.add_reader(fd, _wake, woken)
    timer = loop.call_at(until, _wake, woken)
    try:
        await woken
    finally:
        timer.cancel()
        loop.remove_reader(fd)
    return readable(fd)


async def done_by(task: "asyncio.Task[Any]", until: float) -> bool:
    """Wait for a task that asks and reads, up to the loop's time `until`; whether it is done. It goes on if not.

    After a late wake-up it is given the rounds it needs to take in what has arrived meanwhile.
    """
    await asyncio.wait([task], timeout=max(0.0, until - asyncio.get_running_loop().time()))
    for _ in range(ROUNDS):
        if task.done():
            break
        await asyncio.sleep(0)
    return task.done()


def _wake(woken: "asyncio.Future[None]") -> None:
    if not woken.done():
        woken.set_result(None)
