"""Whether this process may be forked: nothing may be open that two processes cannot share."""

import os
import socket
import stat

SQLITE = b"SQLite format 3\0"


def sockets() -> set[int]:
    return {fd for fd in _descriptors() if stat.S_ISSOCK(_mode(fd))}


def obstacle(known: set[int]) -> str:
    """Why not to fork, or "". `known` are the sockets open before the application was imported."""
    threads = len(os.listdir("/proc/self/task"))
    if threads > 1:
        return f"it runs {threads - 1} thread{'s' if threads > 2 else ''} of its own, and threads do not survive a fork"
    connections = [fd for fd in sockets() - known if _stream(fd)]
    if connections:
        return f"it keeps {len(connections)} connection(s) open, which its servers would all talk over at once"
    # https://sqlite.org/howtocorrupt.html section 2.6
    databases = [os.readlink(f"/proc/self/fd/{fd}") for fd in _descriptors() if _sqlite(fd)]
    if databases:
        return f"it keeps the SQLite database {databases[0]} open, which a fork may corrupt"
    return ""


def _descriptors() -> list[int]:
    return [int(name) for name in os.listdir("/proc/self/fd")]


def _mode(fd: int) -> int:
    try:
        return os.fstat(fd).st_mode
    except OSError:  # the one listdir had open
        return 0


def _stream(fd: int) -> bool:
    """Datagram sockets (syslog, statsd) have no conversation to mix up."""
    with socket.socket(fileno=os.dup(fd)) as copy:
        return copy.type != socket.SOCK_DGRAM


def _sqlite(fd: int) -> bool:
    if not stat.S_ISREG(_mode(fd)):
        return False
    try:
        return os.pread(fd, len(SQLITE), 0) == SQLITE
    except OSError:  # opened for writing only: not a database
        return False
