"""Notes which requests servers are working on, in memory that all of them share, so that none ends a third server.

The balancer sends a request whose server died to another server, with the same number. A note that nobody took back
says that a server died while it worked on it. Who comes a second time may be the cause, or may only have been beside
it: so such requests run one at a time in each server, and the next death falls on the one that causes it.
"""

import asyncio
import mmap
import os
import struct
import threading
import time
import zlib
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

SIZE = 1 << 20  # bytes of the file
MOST = 2  # servers that may die under one request
PAUSE = 0.1  # s before a second try begins: servers that are killed together are dead by then, and prove nothing
PATIENCE = 2.0  # s a second try waits for another one
REPEATED = frozenset({"GET", "HEAD", "OPTIONS"})  # the balancer sends nothing else twice
NUMBER = "X-Request-ID"
ENDED = "X-Seawall-Ended"

_NOTE = struct.Struct("<IIII")  # the request's number as a checksum, tries begun, the servers that began the first two
_NOTES = SIZE // _NOTE.size

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Tries:
    """The notes of all servers. Two requests may need the same note: then the later one has it, and none is refused."""

    def __init__(self, fd: int) -> None:
        """`fd` is of a file of SIZE bytes; -1: nobody shares it with us."""
        self.notes = mmap.mmap(fd, SIZE)
        self.alone = threading.Lock()
        self.alone_async: asyncio.Lock | None = None

    @contextmanager
    def one(self, method: str, headers: Iterable[tuple[str, str]]) -> Iterator[str]:
        """Work on one request of gunicorn's. Gives the servers that died under it, if it must not be begun."""
        key = _key(method, headers, NUMBER.upper())
        tried, died = self._tried(key)
        if tried >= MOST or not key:
            yield died
            return
        waited = tried > 0 and self._alone()
        self._begin(key)
        try:
            yield ""
        finally:
            self._end(key)
            if waited:
                self.alone.release()

    def _tried(self, key: int) -> tuple[int, str]:
        """How many tries were begun and not ended, and by which servers."""
        noted, tried, *servers = _NOTE.unpack_from(self.notes, _place(key))
        return (tried, ",".join(f"s{server}" for server in servers)) if key and noted == key else (0, "")

    def _begin(self, key: int) -> None:
        noted, tried, first, _ = _NOTE.unpack_from(self.notes, _place(key))
        tried = tried if noted == key else 0
        own = int(os.environ.get("SEAWALL_SERVER", "")[1:] or 0)
        _NOTE.pack_into(self.notes, _place(key), key, tried + 1, first if tried else own, own if tried else 0)

    def _end(self, key: int) -> None:
        if _NOTE.unpack_from(self.notes, _place(key))[0] == key:
            _NOTE.pack_into(self.notes, _place(key), 0, 0, 0, 0)

    def asgi(self, application: Callable[[Scope, Receive, Send], Awaitable[None]]) -> Any:
        """The application, never asked what two servers have died under."""

        async def asked(scope: Scope, receive: Receive, send: Send) -> None:
            key = _key(scope["method"], scope["headers"], b"x-request-id") if scope["type"] == "http" else 0
            if not key:
                return await application(scope, receive, send)
            tried, died = self._tried(key)
            if tried >= MOST:
                return await _refuse(send, died)
            waited = tried > 0 and await self._alone_async()
            self._begin(key)
            try:
                return await application(scope, receive, send)
            finally:
                self._end(key)
                if waited and self.alone_async:
                    self.alone_async.release()

        return asked

    def _alone(self) -> bool:
        time.sleep(PAUSE)
        return self.alone.acquire(timeout=PATIENCE)

    async def _alone_async(self) -> bool:
        await asyncio.sleep(PAUSE)
        self.alone_async = self.alone_async or asyncio.Lock()
        try:
            return await asyncio.wait_for(self.alone_async.acquire(), PATIENCE)
        except TimeoutError:  # TimeoutError itself only from Python 3.11 on
            return False


def _key(method: str, headers: Iterable[tuple[Any, Any]], name: Any) -> int:
    """0 for a request that is never sent twice."""
    if method not in REPEATED:
        return 0
    number = next((value for key, value in headers if key == name), "")
    return zlib.crc32(number if isinstance(number, bytes) else number.encode()) if number else 0


def _place(key: int) -> int:
    return key % _NOTES * _NOTE.size


async def _refuse(send: Send, died: str) -> None:
    headers = [(b"content-length", b"0"), (ENDED.lower().encode(), died.encode())]
    await send({"type": "http.response.start", "status": 502, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
