"""Serves ASGI by uvicorn, behind the edge."""

import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn

from .setup import Setup
from .static import with_static_files_asgi
from .tries import Tries

KEEPALIVE = 75  # s, as in wsgi.py

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class BehindEdge:
    """Answers heartbeats without the application, and tells the application who asks and how the site is reached."""

    def __init__(self, application: Callable[[Scope, Receive, Send], Awaitable[None]], setup: Setup) -> None:
        self.application = application
        self.health = setup.health_path
        self.host = setup.host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if scope["path"] == self.health:
                return await _text(send, 200, b"ok\n")
            if "\0" in scope["path"]:
                return await _text(send, 400, b"A path cannot contain the character 0.\n")
        if scope["type"] in ("http", "websocket"):
            self._place(scope)
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


async def _text(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def prepare(application: Any, setup: Setup) -> Callable[[str, socket.socket], None]:
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
    config.loaded_app = BehindEdge(Tries(setup.tries).asgi(with_static_files_asgi(config.loaded_app)), setup)
    config.get_loop_factory()  # imports uvloop before the fork

    def serve(name: str, listener: socket.socket) -> None:
        # uvicorn raises SIGTERM once more when it has finished: that is not to look like being killed.
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
        uvicorn.Server(config).run(sockets=[listener])

    return serve
