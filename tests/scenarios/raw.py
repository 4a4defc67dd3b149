"""Bytes to a site and back, as no proper client would send them, and an application that says what reached it."""

import contextlib
import json
import socket
import ssl
from collections.abc import Iterator

import pytest

from tests.client import insecure
from tests.scenarios.site import Site, running

# Says what reached it, then as many spaces as the query asks for; keeps a record for what the visitor never sees.
ECHO = """
import json
def application(environ, start_response):
    body = environ["wsgi.input"].read().decode("latin-1")
    seen = {key: value for key, value in environ.items() if isinstance(value, str)}
    with open("seen.txt", "a") as file:
        file.write(seen["REQUEST_METHOD"] + " " + seen["PATH_INFO"].replace("\\n", " ") + "\\n")
    answer = json.dumps({**seen, "body": body}).encode() + b" " * int(seen["QUERY_STRING"] or 0)
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))])
    return [answer]
"""


@pytest.fixture(scope="module")
def echo_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site.small(tmp_path_factory.mktemp("attacks"), "[servers]\nqueue_timeout = 3\nbody_timeout = 10\n")
    (site.folder / "application.py").write_text(ECHO)
    with running(site):
        yield site


FIRST = 5.0  # s; some requests are never answered


def send(site: Site, data: bytes, tls: bool = True) -> bytes:
    """What comes back, until the connection is closed or, once it has begun, pauses for half a second."""
    received = b""
    plain = socket.create_connection(("127.0.0.1", site.https if tls else site.http))
    with insecure().wrap_socket(plain, server_hostname="localhost") if tls else plain as connection:
        connection.settimeout(FIRST)
        connection.sendall(data)
        with contextlib.suppress(TimeoutError, ConnectionError, ssl.SSLError):
            while part := connection.recv(65536):
                received += part
                connection.settimeout(0.5)
    return received


def status(answer: bytes) -> int:
    return int(answer.split()[1])


def seen(site: Site) -> list[str]:
    """ "METHOD PATH" of everything that reached the application."""
    file = site.folder / "seen.txt"
    return file.read_text().splitlines() if file.exists() else []


def request(headers: str = "", body: bytes = b"", line: str = "POST / HTTP/1.1", host: str = "Host: a\r\n") -> bytes:
    return f"{line}\r\n{host}{headers}\r\n".encode("latin-1") + body


def echoed(answer: bytes) -> dict[str, str]:
    """What the application says it was asked."""
    parsed: dict[str, str] = json.loads(answer[answer.index(b"{") :])
    return parsed
