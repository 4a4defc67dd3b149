"""Answers one request inside the warm process, so that every server starts with what the first request loads."""

import io
import sys
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote, urlsplit

from .foreign import Foreign, Late, explain, last_line
from .setup import Setup

REDIRECTIONS = 3  # pages asked for at most


def request(application: Any, setup: Setup) -> tuple[str, bool]:
    """One page, from `warm_path` on. Returns what a person should know about the answer, and if it came in time."""
    told: list[str] = []
    with Foreign(setup.warm_timeout) as call:
        told.append(_follow(application, setup))
    first = f"The first request, for {setup.warm_path},"
    if isinstance(call.error, Late):
        return f"{first} had no answer after {setup.warm_timeout:g} s (warm_timeout in seawall.toml).", False
    if call.error is not None:
        sys.stderr.write(explain(call.error))
        return f"{first} failed: {last_line(call.error)}", True
    return "" if told[0][0] in "234" else f"{first} was answered {told[0]}.", True


def _follow(application: Any, setup: Setup) -> str:
    """The status line of the page that `warm_path` leads to: a redirection alone, to /login/ or /en/, warms little."""
    target = setup.warm_path
    for _ in range(REDIRECTIONS):
        status, location = _get(application, environ(setup, target))
        place = urlsplit(location)
        if not location.startswith(("/", f"https://{setup.host}/")) or place.netloc not in ("", setup.host):
            break
        target = f"{place.path}?{place.query}"
    return status


def _get(application: Any, request: dict[str, Any]) -> tuple[str, str]:
    """The status line, and where it redirects to or ""."""
    answers: list[tuple[str, str]] = [("with nothing", "")]

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        there = [value for name, value in headers if name.lower() == "location" and status[0] == "3"]
        answers.append((status, there[0] if there else ""))
        return lambda data: None

    body: Iterable[bytes] = application(request, start_response)
    for _ in body:
        pass
    getattr(body, "close", lambda: None)()
    return answers[-1]


def environ(setup: Setup, target: str) -> dict[str, Any]:
    """As the edge would send it, over HTTPS."""
    path, _, query = target.partition("?")
    host = setup.host
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(path, "latin-1"),
        "RAW_URI": target,
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
