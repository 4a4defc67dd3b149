"""Reads what a view has left of a request's body, and forgets it, for as long as it comes.

HAProxy 2.6 gives back neither the server's slot nor the room in the visitor's HTTP/2 connection before. Once the answer
is complete it does not send the last chunk of a body without Content-Length: waiting for that is in vain.
"""

import socket
import time
from typing import Any

from gunicorn.http.errors import ParseException

MOST = 1 << 30  # bytes
PAUSE = 0.5  # s without a byte, after which no more is expected: the answer has been sent, nobody waits for us
GRACE = 5.0  # s all of it may take, …
SLOWEST = 50_000  # … and a second more for each so many bytes that have come
STEP = 1 << 16  # bytes


class Hurried:
    """A socket that is read only while its sender is quick enough, for gunicorn's parser to read from."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.began = time.monotonic()
        self.taken = 0

    def recv(self, size: int) -> bytes:
        """Raises TimeoutError for a sender that is too slow, or sends too much."""
        left = self.began + GRACE + self.taken / SLOWEST - time.monotonic()
        if left <= 0 or self.taken > MOST:
            raise TimeoutError
        self.connection.settimeout(min(left, PAUSE))
        data = self.connection.recv(size)
        self.taken += len(data)
        return data


def read(parser: Any, connection: socket.socket) -> bool:
    """Whether the end of the body of the request that gunicorn's `parser` has read last was reached.

    If not, the connection is of no more use.
    """
    body = getattr(parser.mesg, "body", None) if parser else None
    if body is None or body.failed or connection.fileno() < 0:
        return False
    before = connection.gettimeout()
    parser.unreader.sock = Hurried(connection)
    try:
        while body.read(STEP):
            pass
    except (OSError, ParseException):
        return False
    finally:
        parser.unreader.sock = connection
        connection.settimeout(before)
    return True
