"""Whether a process that owes an answer hangs: looks at it while a question is open, at its own pace."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Literal

from seawall.process import Process

EVERY = 0.025  # s between two looks while an answer is owed
SOON = 0.05  # s after a question before the first look
STOPPED = 2  # looks in a row


class Inquiry:
    """One process under suspicion. Close it."""

    def __init__(self, kind: Literal["balancer", "server"], process: Process) -> None:
        self.kind, self.process = kind, process

    async def follow(
        self, asked: Callable[[], float | None], arrived: Callable[[], bool]
    ) -> AsyncIterator[tuple[bool, str]]:
        """For ever: whether it owes an answer, and why it counts as hung ("" while it may only be busy).

        `asked` says since when (s, the loop's clock) an answer is owed, None if none is.
        """
        loop = asyncio.get_running_loop()
        stopped = 0
        while True:
            await asyncio.sleep(EVERY)
            since = asked()
            owes = since is not None and loop.time() - since > SOON and not arrived()
            stopped = stopped + 1 if owes and self.process.stopped else 0
            yield owes, "is stopped" if stopped >= STOPPED else ""

    def close(self) -> None:
        pass
