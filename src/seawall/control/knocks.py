"""Hears from the balancers at once that a request has begun to wait because no server is up: it wakes a site."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from pathlib import Path

from seawall import files
from seawall.fleet.server import admit_balancer

LONGEST = 1024  # bytes of a log line: what it says does not matter


class Knocks:
    """A datagram socket at `path`, to which HAProxy writes its log. `heard` is called once for all that has come.

    One that was written while nobody listened is lost: what waits is also in each balancer's word.
    """

    def __init__(self, path: Path, heard: Callable[[], None]) -> None:
        self.path = path
        self._heard = heard
        self._socket: socket.socket | None = None

    def listen(self) -> None:
        """Make the socket, or make it anew. Raises OSError."""
        self.close()
        files.remove(self.path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        # On Linux the socket's own mode becomes the file's.
        os.fchmod(self._socket.fileno(), 0o600)
        self._socket.bind(str(self.path))
        admit_balancer(f"unix@{self.path}")
        asyncio.get_running_loop().add_reader(self._socket, self._read, self._socket)

    def _read(self, received: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            while received.recv(LONGEST):
                pass
        self._heard()

    def close(self) -> None:
        if self._socket:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None
