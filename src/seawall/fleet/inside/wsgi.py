"""Serves WSGI by gunicorn's threaded worker, behind the edge."""

import logging
import os
import socket
from collections.abc import Callable, Iterable
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.sock import TCPSocket, UnixSocket
from gunicorn.workers.gthread import ThreadWorker

from .setup import Setup
from .static import with_static_files
from .tries import ENDED, Tries
from .turns import Turns

KEEPALIVE = 75  # s: longer than HAProxy keeps an idle connection, so that only HAProxy closes one
LONGEST = 16384  # bytes of a request line or a header: as much as HAProxy lets through

Environ = dict[str, Any]
Start = Callable[..., Any]


class BehindEdge:
    """Answers heartbeats without the application, and tells the application who asks and how the site is reached."""

    def __init__(self, application: Callable[[Environ, Start], Iterable[bytes]], setup: Setup) -> None:
        self.application = application
        self.health = setup.health_path
        self.host = setup.host

    def __call__(self, environ: Environ, start_response: Start) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == self.health:
            return _text(start_response, "200 OK", b"ok\n")
        if died := environ.get("HTTP_X_SEAWALL_ENDED"):
            start_response("502 Bad Gateway", [("Content-Length", "0"), (ENDED, died)])
            return []
        if "\0" in path:
            return _text(start_response, "400 Bad Request", b"A path cannot contain the character 0.\n")
        # The edge deletes the one a visitor sends and sets its own.
        environ["REMOTE_ADDR"] = environ.get("HTTP_X_FORWARDED_FOR", "127.0.0.1").rpartition(",")[2].strip()
        environ.setdefault("REMOTE_PORT", "0")
        environ["wsgi.multiprocess"] = True
        environ["SERVER_NAME"], environ["SERVER_PORT"] = self._server(environ)
        return self.application(environ, start_response)

    def _server(self, environ: Environ) -> tuple[str, str]:
        host = environ.get("HTTP_HOST") or self.host
        name, colon, port = host.rpartition(":")
        if colon and port.isdigit():
            return name, port
        return host, "443" if environ["wsgi.url_scheme"] == "https" else "80"


def _text(start_response: Start, status: str, body: bytes) -> Iterable[bytes]:
    start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


class Gunicorn(BaseApplication):  # type: ignore[misc]
    """gunicorn's configuration and the application, as its worker wants to be given them."""

    cfg: Config

    def __init__(self, application: Any, setup: Setup) -> None:
        self.application = application
        self.setup = setup
        super().__init__()

    def load_config(self) -> None:
        settings = {
            # One thread more than requests at a time: it answers heartbeats while all others work.
            "threads": self.setup.concurrency + 1,
            "worker_connections": 1000 + self.setup.concurrency,
            "keepalive": KEEPALIVE,
            "graceful_timeout": int(self.setup.stop_timeout),
            "loglevel": "warning",
            # The C parser saves 19 of 42 us, but the one there is (0.6.10) is older than gunicorn 27 asks for (0.6.14).
            "http_parser": "python",
            "limit_request_line": 0,  # the edge's limit is tighter
            "limit_request_field_size": LONGEST,
            "forwarded_allow_ips": "*",
            "secure_scheme_headers": {"X-FORWARDED-PROTO": "https"},
            "forwarder_headers": "",  # a visitor must not set SCRIPT_NAME
            "control_socket_disable": True,
            "worker_tmp_dir": "/dev/shm" if os.access("/dev/shm", os.W_OK) else None,
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return self.application


class Worker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's worker without its arbiter: nobody reads its signs of life from a file, and its parent may change."""

    def __init__(self, *args: Any, health_path: str, tries: Tries) -> None:
        super().__init__(*args)
        self.tries = tries
        self.health = health_path
        self.turns = Turns()

    def handle_request(self, req: Any, conn: Any) -> bool:
        if req.path == self.health:
            return bool(super().handle_request(req, conn))
        with self.tries.one(req.method, req.headers) as died, self.turns.turn():
            if died:
                req.headers.append((ENDED.upper(), died))
            return bool(super().handle_request(req, conn))

    def notify(self) -> None:
        pass

    def is_parent_alive(self) -> bool:
        return True

    def set_accept_enabled(self, enabled: bool) -> None:
        super().set_accept_enabled(enabled)
        if not self.alive:
            self._accept_the_rest()

    def _accept_the_rest(self) -> None:
        """Who has connected before SIGTERM is still served; from now on connections are refused, not left waiting."""
        for listener in self.sockets:
            before = -1
            while listener.sock is not None and before != self.nr_conns:
                before = self.nr_conns
                self.accept(listener)
            listener.close()


def prepare(application: Any, setup: Setup) -> Callable[[str, socket.socket], None]:
    """All that can be made before the fork. Call the result in the server: it serves until SIGTERM."""
    gunicorn = Gunicorn(BehindEdge(with_static_files(application), setup), setup)
    log = Logger(gunicorn.cfg)
    logging.getLogger("gunicorn.error").propagate = False
    tries = Tries(setup.tries)

    def serve(name: str, listener: socket.socket) -> None:
        kind = UnixSocket if listener.family == socket.AF_UNIX else TCPSocket
        address = listener.getsockname()
        sockets = [kind(address, gunicorn.cfg, log, fd=listener.detach())]
        worker = Worker(
            1, os.getppid(), sockets, gunicorn, 30, gunicorn.cfg, log, health_path=setup.health_path, tries=tries
        )
        worker.pid = os.getpid()
        worker.init_process()

    return serve
