"""Answers one request inside the warm process, so that every server starts with what the first request loads."""

import io
import sys
from collections.abc import Iterable
from typing import Any

from .foreign import Foreign, Late, explain, last_line
from .setup import Setup


def request(application: Any, setup: Setup) -> tuple[str, bool]:
    """One GET of `warm_path`. Returns what a person should know about the answer, and whether it came in time."""
    told: list[str] = []
    with Foreign(setup.warm_timeout) as call:
        told.append(_get(application, environ(setup)))
    first = f"The first request, for {setup.warm_path},"
    if isinstance(call.error, Late):
        return f"{first} had no answer after {setup.warm_timeout:g} s.", False
    if call.error is not None:
        sys.stderr.write(explain(call.error))
        return f"{first} failed: {last_line(call.error)}", True
    return "" if told[0][0] in "234" else f"{first} was answered {told[0]}.", True


def _get(application: Any, environ: dict[str, Any]) -> str:
    """The status line."""
    status = ["with nothing"]
    body: Iterable[bytes] = application(environ, lambda line, headers, exc_info=None: status.append(line))
    for _ in body:
        pass
    getattr(body, "close", lambda: None)()
    return status[-1]


def environ(setup: Setup) -> dict[str, Any]:
    """As the edge would send it, over HTTPS."""
    path, _, query = setup.warm_path.partition("?")
    host = setup.host
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "RAW_URI": setup.warm_path,
        "QUERY_STRING": query,
        "SERVER_NAME": host,
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_PORT": "0",
        "HTTP_HOST": host,
        "HTTP_X_FORWARDED_FOR": "127.0.0.1",
        "HTTP_X_FORWARDED_PROTO": "https",
        "HTTP_USER_AGENT": "seawall warm-up",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
