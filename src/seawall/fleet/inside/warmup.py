"""Answers one request inside the warm process, so that every server starts with what the first request loads."""

import io
import sys
from collections.abc import Iterable
from typing import Any

from .foreign import Foreign, Late, explain, last_line
from .load import django_settings
from .setup import Setup


def request(application: Any, setup: Setup) -> tuple[str, bool]:
    """One GET of `warm_path`. Returns what a person should know about the answer, and whether it came in time."""
    status: list[str] = []
    with Foreign(setup.warm_timeout) as call:
        body: Iterable[bytes] = application(environ(setup), lambda line, headers, exc_info=None: status.append(line))
        for _ in body:
            pass
        getattr(body, "close", lambda: None)()
    first = f"The first request, for {setup.warm_path},"
    if isinstance(call.error, Late):
        return f"{first} had no answer after {setup.warm_timeout:g} s.", False
    if call.error is not None:
        sys.stderr.write(explain(call.error))
        return f"{first} failed: {last_line(call.error)}", True
    answered = status[0] if status else "with nothing"
    return f"{first} was answered {answered}." if answered[0] not in "234" else "", True


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


def close_connections() -> None:
    """Give back Django's database and cache connections: each server opens its own."""
    if django_settings() is not None:
        from django.core.cache import caches
        from django.db import connections

        connections.close_all()
        caches.close_all()
