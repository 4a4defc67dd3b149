"""Serves WSGI by gunicorn's threaded worker, behind the edge."""

import logging
import os
import socket
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.sock import TCPSocket, UnixSocket
from gunicorn.workers.gthread import ThreadWorker

from . import beat, rest
from .setup import Serve, Setup
from .static import with_static_files
from .tries import ENDED, Tries
from .work import Work, hung_up

KEEPALIVE = 75  # s: longer than HAProxy keeps an idle connection, so that only HAProxy closes one
RESERVE = 2  # threads for requests that were given up, for each of those that are worked on
FILE = "seawall.file"  # in the environ: the answer may be sent by the kernel, and gunicorn does not count it
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
        answer = self.application(environ, start_response)
        environ[FILE] = isinstance(answer, environ["wsgi.file_wrapper"])
        return answer

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
            "threads": 1,  # see Worker.resize
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
            "post_request": _after,
            "worker_tmp_dir": "/dev/shm" if os.access("/dev/shm", os.W_OK) else None,
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return self.application


def _after(worker: "Worker", request: Any, environ: Environ, response: Any) -> None:
    """gunicorn's hook for the end of each request: whether less was sent than `Content-Length` has promised."""
    promised = response and response.headers_sent and response.response_length
    bodiless = promised and (request.method == "HEAD" or response.status_code == 304)
    request.cut_short = bool(promised and not bodiless and not environ.get(FILE) and response.sent < promised)


class Worker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's worker without its arbiter: nobody reads its signs of life from a file, and its parent may change."""

    def __init__(self, *args: Any, health_path: str, work: Work, tries: Tries) -> None:
        super().__init__(*args)
        self.tries = tries
        self.health = health_path
        self.work = work
        self.tpool = ThreadPoolExecutor()
        work.resized = self.resize
        self.resize()

    def get_thread_pool(self) -> ThreadPoolExecutor:
        return self.tpool

    def resize(self) -> None:
        """Room for as many requests as `work` says. The pool asks for its limit each time it needs one thread more.

        A thread is started when none is idle; the one more answers the probe of a new server.
        """
        self.tpool._max_workers = self.work.limit + 1
        self.worker_connections = 1000 + self.work.limit

    def handle(self, conn: Any) -> Any:
        # It may have waited for a thread, and who gave up meanwhile has not been told that anything was done.
        if hung_up(conn.sock):
            return False
        kept = super().handle(conn)
        if kept is False:
            rest.read(conn.parser, conn.sock)
        return kept

    def handle_request(self, req: Any, conn: Any) -> bool:
        if req.path == self.health:
            return bool(super().handle_request(req, conn))
        with self.work.request(lambda: hung_up(conn.sock)), self.tries.one(req.method, req.headers) as died:
            if died:
                req.headers.append((ENDED.upper(), died))
            try:
                # What is missing would be waited for, and the next answer be taken for it.
                return bool(super().handle_request(req, conn)) and not req.cut_short
            except SystemExit as error:  # in the main thread, to which the pool brings it, it would end the server
                raise RuntimeError(f"the application called sys.exit({error.code!r})") from error

    def _keepalive_after(self, conn: Any, keepalive: bool) -> bool:
        return keepalive and rest.read(conn.parser, conn.sock)

    def finish_request(self, conn: Any, done: Any) -> None:
        if done.cancelled() or done.exception() or done.result() is not False:
            super().finish_request(conn, done)
        else:
            self.nr_conns -= 1
            # Not gracefully: that waits up to two seconds for the other end, in the main thread.
            conn.close()

    def notify(self) -> None:
        self.work.loop += 1

    def is_parent_alive(self) -> bool:
        return True

    def set_accept_enabled(self, enabled: bool) -> None:
        super().set_accept_enabled(enabled)
        if not self.alive:
            self.work.stopping = True
            self._accept_the_rest()

    def _accept_the_rest(self) -> None:
        """Who has connected before SIGTERM is still served; from now on connections are refused, not left waiting."""
        for listener in self.sockets:
            before = -1
            while listener.sock is not None and before != self.nr_conns:
                before = self.nr_conns
                self.accept(listener)
            listener.close()


def prepare(application: Any, setup: Setup) -> Serve:
    """All that can be made before the fork. Call the result in the server: it serves until SIGTERM."""
    gunicorn = Gunicorn(BehindEdge(with_static_files(application), setup), setup)
    log = Logger(gunicorn.cfg)
    logging.getLogger("gunicorn.error").propagate = False
    tries = Tries(setup.tries)

    def serve(name: str, listener: socket.socket, heartbeats: socket.socket | None) -> None:
        work = Work(setup.concurrency, RESERVE)
        kind = UnixSocket if listener.family == socket.AF_UNIX else TCPSocket
        sockets = [kind(listener.getsockname(), gunicorn.cfg, log, fd=listener.detach())]
        told: dict[str, Any] = {"health_path": setup.health_path, "work": work, "tries": tries}
        worker = Worker(1, os.getppid(), sockets, gunicorn, 30, gunicorn.cfg, log, **told)
        worker.pid = os.getpid()
        if heartbeats:
            beat.start(heartbeats, work)
        worker.init_process()

    return serve
