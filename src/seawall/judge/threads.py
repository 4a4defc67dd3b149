"""The threads of one process as the kernel sees them: state, processor time, turns on a processor (proc(5))."""

import os
from collections.abc import Mapping
from typing import NamedTuple

from seawall.process import start_time

_GONE = (FileNotFoundError, ProcessLookupError)
_ENDED = "ZX"


class ThreadSeen(NamedTuple):
    state: str  # R, S, D, T, t, I
    ran: int  # ns on a processor so far
    turns: int  # how many times it was given a processor


Reading = Mapping[int, ThreadSeen]  # by thread id; empty where nothing is known
NOTHING: Reading = {}


class Threads:
    """Keeps the files of a process's threads open, since opening costs five times as much as reading. Close it.

    The descriptors belong to this process for ever: a later one with the same pid cannot be read by mistake.
    """

    def __init__(self, pid: int, started: int) -> None:
        self.pid, self.started = pid, started
        self._folder: int | None = None
        self._files: dict[int, tuple[int, int]] = {}  # thread id → stat, schedstat

    def read(self) -> Reading:
        """Every living thread. Empty if the process is gone or its pid is another's. Raises OSError (EMFILE)."""
        seen = {}
        for thread in self._ids():
            now = self._read(thread)
            if now is None:
                self._forget(thread)
            elif now.state not in _ENDED:
                seen[thread] = now
        return seen

    def on_locks(self) -> frozenset[int]:
        """The threads that wait for a lock (futex(2)). Not one of them where the kernel does not let us see it."""
        return frozenset(thread for thread in self._ids() if b"futex" in self._text(f"{thread}/wchan"))

    def children(self) -> set[int]:
        """The processes that it started and that live, or have not been waited for."""
        return {int(pid) for thread in self._ids() for pid in self._text(f"{thread}/children").split()}

    def close(self) -> None:
        """May be called again."""
        for thread in list(self._files):
            self._forget(thread)
        if self._folder is not None:
            os.close(self._folder)
            self._folder = None

    def _ids(self) -> set[int]:
        try:
            threads = {int(name) for name in os.listdir(self._open_folder())}
        except _GONE:
            threads = set()
        for ended in self._files.keys() - threads:
            self._forget(ended)
        return threads

    def _open_folder(self) -> int:
        if self._folder is None:
            folder = os.open(f"/proc/{self.pid}/task", os.O_RDONLY | os.O_DIRECTORY)
            try:
                # Only now: it lives, so it lived when the folder was opened, and the folder is its own.
                if start_time(self.pid) != self.started:
                    raise ProcessLookupError
            except OSError:
                os.close(folder)
                raise
            self._folder = folder
        return self._folder

    def _read(self, thread: int) -> ThreadSeen | None:
        try:
            stat, schedstat = self._files.get(thread) or self._open(thread)
            text = os.pread(stat, 512, 0)
            ran, _, turns = os.pread(schedstat, 64, 0).split()
        except _GONE:
            return None
        # The name before the state may hold spaces and brackets.
        return ThreadSeen(chr(text[text.rindex(b")") + 2]), int(ran), int(turns))

    def _open(self, thread: int) -> tuple[int, int]:
        stat = os.open(f"{thread}/stat", os.O_RDONLY, dir_fd=self._folder)
        try:
            schedstat = os.open(f"{thread}/schedstat", os.O_RDONLY, dir_fd=self._folder)
        except OSError:
            os.close(stat)
            raise
        self._files[thread] = stat, schedstat
        return stat, schedstat

    def _forget(self, thread: int) -> None:
        for fd in self._files.pop(thread, ()):
            os.close(fd)

    def _text(self, path: str) -> bytes:
        """A file below /proc/PID/task; empty if it is gone."""
        try:
            with open(path, "rb", opener=lambda name, flags: os.open(name, flags, dir_fd=self._folder)) as file:
                return file.read()
        except _GONE:
            return b""
