"""Only one control plane a site: a lock that the kernel ends with the process that holds it."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from typing import Self

from seawall.errors import AlreadyRunning
from seawall.paths import Paths
from seawall.process import Process


class Lock:
    """Held from `take` to `release`. The file says who holds it: a process number."""

    def __init__(self, paths: Paths) -> None:
        self._path = paths.control_lock
        self._fd = -1

    def take(self) -> Self:
        """Raises AlreadyRunning, OSError."""
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(fd, 20, 0).decode() or "unknown"
            os.close(fd)
            raise AlreadyRunning(
                f"This site is already up (process {holder}).",
                "Look at it: seawall status      Stop it: seawall down      Upgrade it: seawall up --replace",
            ) from None
        os.ftruncate(fd, 0)
        os.pwrite(fd, str(os.getpid()).encode(), 0)
        self._fd = fd
        return self

    def renew(self) -> None:
        """Take it again where the file was removed, before another control plane does. Raises as `take` does."""
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.stat(self._path), os.fstat(self._fd)):
                return
        before = self._fd
        self.take()
        os.close(before)

    def release(self) -> None:
        os.close(self._fd)


@contextlib.contextmanager
def in_charge(paths: Paths) -> Iterator[Lock]:
    """Hold the lock of a site."""
    lock = Lock(paths).take()
    try:
        yield lock
    finally:
        lock.release()


def holder(paths: Paths) -> Process | None:
    """The control plane that holds the lock, or None. Close what you get."""
    try:
        fd = os.open(paths.control_lock, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        number = os.pread(fd, 20, 0)
        return Process.adopt(int(number)) if number.isdigit() else None
    finally:
        os.close(fd)
    return None
