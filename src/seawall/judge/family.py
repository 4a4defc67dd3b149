"""The threads of a process and its descendants: a command may leave its work to children (npm, sh, workers)."""

from seawall.judge.threads import Reading, Threads, ThreadSeen
from seawall.process import start_time


class Family:
    """Reads as `Threads` does, as if they were one process: one that runs or starves is enough. Close it.

    What has left its parent, as a daemon does, is not found.
    """

    def __init__(self, pid: int, started: int) -> None:
        self._root = (pid, started)
        self._members: dict[tuple[int, int], Threads] = {}  # by pid and start time

    def read(self) -> Reading:
        """Every living thread of all. Empty if the first process is gone. Raises OSError (EMFILE)."""
        seen: dict[int, ThreadSeen] = {}
        found, waiting = set(), [self._root]
        while waiting:
            member = waiting.pop()
            found.add(member)
            threads = self._members.setdefault(member, Threads(*member))
            seen.update(threads.read())
            waiting += [(pid, started) for pid in threads.children() if (started := start_time(pid)) is not None]
        for gone in self._members.keys() - found:
            self._members.pop(gone).close()
        return seen

    def on_locks(self) -> frozenset[int]:
        """The threads that wait for a lock, of those that were read last."""
        return frozenset().union(*(threads.on_locks() for threads in self._members.values()))

    def close(self) -> None:
        """May be called again."""
        for threads in self._members.values():
            threads.close()
        self._members.clear()
