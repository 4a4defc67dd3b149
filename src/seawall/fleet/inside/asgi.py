"""Serves ASGI by uvicorn, behind the edge."""

import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import Any

import uvicorn

from . import beat, protocol
from .setup import Serve, Setup
from .static import with_static_files_asgi
from .tries import Tries
from .work import Work

KEEPALIVE = 75  # s, as in wsgi.py

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class BehindEdge:
    """Answers heartbeats without the application, and tells the application who asks and how the site is reached."""

    def __init__(
        self, application: Callable[[Scope, Receive, Send], Awaitable[None]], setup: Setup, work: Work
    ) -> None:
        self.application = application
        self.work = work
        self.health = setup.health_path
        self.host = setup.host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gone = scope.pop(protocol.GONE, _never)
        if scope["type"] == "http":
            if scope["path"] == self.health:
                return await _text(send, 200, b"ok\n")
            if "\0" in scope["path"]:
                return await _text(send, 400, b"A path cannot contain the character 0.\n")
            if gone():  # while the loop was busy
                return await _text(send, 503, b"")
        if scope["type"] == "lifespan":
            return await self.application(scope, receive, send)
        self._place(scope)
        with self.work.request(gone):
            await self.application(scope, receive, send)
        return None

    def _place(self, scope: Scope) -> None:
        headers = {name: value for name, value in scope["headers"] if name in WANTED}
        secure = headers.get(b"x-forwarded-proto") == b"https"
        scope["scheme"] = ("ws" if scope["type"] == "websocket" else "http") + ("s" if secure else "")
        # The edge deletes the one a visitor sends and sets its own.
        client = headers.get(b"x-forwarded-for", b"127.0.0.1").decode("latin-1")
        scope["client"] = (client.rpartition(",")[2].strip(), 0)
        host = headers.get(b"host", b"").decode("latin-1") or self.host
        name, colon, port = host.rpartition(":")
        scope["server"] = (name, int(port)) if colon and port.isdecimal() else (host, 443 if secure else 80)


WANTED = frozenset({b"host", b"x-forwarded-for", b"x-forwarded-proto"})


def _never() -> bool:
    """Of a WebSocket, whose end the application is told."""
    return False


async def _text(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Server(uvicorn.Server):  # type: ignore[misc]
    """uvicorn's server, which counts the turns of its loop."""

    def __init__(self, config: uvicorn.Config, work: Work) -> None:
        super().__init__(config)
        self.work = work

    async def on_tick(self, counter: int) -> bool:
        self.work.loop += 1
        return bool(await super().on_tick(counter))

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if not self.started:  # nobody waits for an answer yet, and the application may never get ready
            os._exit(0)
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.work.stopping = True
        await super().shutdown(sockets)


def prepare(application: Any, setup: Setup) -> Serve:
    """All that can be made before the fork; no event loop. Call the result in the server: it serves until SIGTERM."""
    config = uvicorn.Config(
        application,
        lifespan="auto",
        log_level="warning",
        access_log=False,
        proxy_headers=False,  # BehindEdge does it, for unix sockets too
        server_header=False,
        timeout_keep_alive=KEEPALIVE,
        timeout_graceful_shutdown=max(1, int(setup.stop_timeout)),
    )
    config.load()
    # A loop has room for more requests than are expected at once: one that was given up takes nobody's place.
    work = Work(setup.concurrency, None)
    config.http_protocol_class = protocol.strict(config.http_protocol_class)
    application = Tries(setup.tries).asgi(with_static_files_asgi(config.loaded_app))
    config.loaded_app = BehindEdge(application, setup, work)
    config.get_loop_factory()  # imports uvloop before the fork

    def serve(name: str, listener: socket.socket, heartbeats: socket.socket | None) -> None:
        work.resize(setup.concurrency)
        # uvicorn raises SIGTERM once more when it has finished: that is not to look like being killed. Before it begins
        # SIGTERM ends the process as it does any other.
        server = Server(config, work)
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0) if server.started else os._exit(0))
        if heartbeats:
            beat.start(heartbeats, work)
        server.run(sockets=[listener])

    return serve
