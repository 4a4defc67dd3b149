"""Whether a process that owes an answer hangs: looks at it while a question is open, at the pace of the judge."""

import asyncio
from collections.abc import AsyncIterator, Callable

from seawall.judge import Limits, Threads, Verdict, Watch
from seawall.judge.pace import DUE
from seawall.process import Process


class Inquiry:
    """One process that is asked for signs of life by somebody else. Close it."""

    def __init__(self, limits: Limits, process: Process) -> None:
        self._watch = Watch(Threads(process.pid, process.started), limits, asyncio.get_running_loop().time())
        self._since: float | None = None

    async def follow(self, asked: Callable[[], float | None], arrived: Callable[[], bool]) -> AsyncIterator[Verdict]:
        """For ever: FINE, WAITING while it owes an answer, or why it hangs.

        `asked` says since when (s, the loop's clock) an answer is owed, None if none is; `arrived` whether something of
        it lies in the socket.
        """
        loop = asyncio.get_running_loop()
        while True:
            self._note(asked(), loop.time())
            if not self._watch.unanswered:
                yield Verdict.FINE
                await asyncio.sleep(DUE)
                continue
            await asyncio.sleep(max(0.0, self._watch.due - loop.time()))
            self._note(asked(), loop.time())
            try:
                yield self._watch.look(loop.time(), arrived)
            except OSError:  # no descriptors left for files in /proc: what is unknown proves nothing
                yield Verdict.WAITING

    def _note(self, since: float | None, now: float) -> None:
        """Take up a new question, and the end of the one before."""
        if since == self._since:
            return
        if self._watch.unanswered:
            self._watch.answered(now)
        if since is not None:
            self._watch.asked(since)
        self._since = since

    def close(self) -> None:
        self._watch.close()
