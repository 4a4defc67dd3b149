"""WSGI applications in forked servers."""

import asyncio
import json
import signal
from collections.abc import Callable

import pytest

from seawall.fleet import server
from tests.patience import PATIENCE

from .conftest import Site, ended

FLASK = """
    import os, time
    from flask import Flask, request

    app = Flask(__name__)

    @app.get("/")
    def index():
        return {"pid": os.getpid(), "address": request.remote_addr, "scheme": request.scheme, "url": request.url,
                "port": request.environ["SERVER_PORT"], "script": request.environ["SCRIPT_NAME"]}

    @app.get("/slow")
    def slow():
        time.sleep(1.5)
        return "done"
"""
VISITOR = ("Host: example.org", "X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https")


def test_flask_is_forked_and_told_who_asks(make: Callable[..., Site]) -> None:
    async def scenario() -> None:
        site = make({"app.py": FLASK}, wsgi="app:app")
        report = await site.warmed()
        assert (report.ready, report.can_fork, report.notes) == (True, True, ())
        one, two = await site.fork("s1"), await site.fork("s2")
        status, body = await site.get("s1", "/", *VISITOR, "Script_Name: /evil", "X_Forwarded_For: 6.6.6.6")
        assert status == 200
        assert json.loads(body) == {
            "pid": one.pid,
            "address": "203.0.113.9",
            "scheme": "https",
            "url": "https://example.org/",
            "port": "443",
            "script": "",
        }
        assert json.loads((await site.get("s2"))[1])["pid"] == two.pid

    asyncio.run(scenario())


def test_host_with_a_port_and_ipv6(make: Callable[..., Site]) -> None:
    async def scenario() -> None:
        site = make({"app.py": FLASK}, wsgi="app:app")
        await site.warmed()
        await site.fork("s1")
        _, body = await site.get("s1", "/", "Host: [::1]:8443", "X-Forwarded-Proto: https")
        assert json.loads(body)["url"] == "https://[::1]:8443/"
        assert json.loads(body)["port"] == "8443"

    asyncio.run(scenario())


@pytest.mark.parametrize("path", ["/%00", "/a%00b"])
def test_the_character_0_is_refused(make: Callable[..., Site], path: str) -> None:
    async def scenario() -> None:
        site = make({"app.py": FLASK}, wsgi="app:app")
        await site.warmed()
        await site.fork("s1")
        assert (await site.get("s1", path))[0] == 400
        assert (await site.get("s1", "/", "X-Any: a\0b"))[0] == 400
        assert (await site.get("s1", "/", "X-Any: a\x01b"))[0] == 400

    asyncio.run(scenario())


def test_heartbeats_are_answered_while_every_thread_works(make: Callable[..., Site]) -> None:
    async def scenario() -> None:
        site = make({"app.py": FLASK}, wsgi="app:app", servers={"concurrency": 2})
        await site.warmed()
        await site.fork("s1")
        busy = [asyncio.create_task(site.get("s1", "/slow")) for _ in range(2)]
        await asyncio.sleep(0.1)
        await server.heartbeat(server.address(site.paths, "s1"), PATIENCE)
        assert not any(task.done() for task in busy)
        assert [await task for task in busy] == [(200, "done")] * 2

    asyncio.run(scenario())


def test_a_server_told_to_stop_finishes_what_it_has_and_refuses_the_rest(make: Callable[..., Site]) -> None:
    async def scenario() -> None:
        site = make({"app.py": FLASK}, wsgi="app:app", servers={"concurrency": 2})
        await site.warmed()
        process = await site.fork("s1")
        # More than it has threads for: some wait inside it.
        busy = [asyncio.create_task(site.get("s1", "/slow")) for _ in range(6)]
        await asyncio.sleep(0.1)
        process.signal(signal.SIGTERM)
        await site.refuses("s1")
        assert [await task for task in busy] == [(200, "done")] * 6
        assert await ended(process) == "exit code 0"

    asyncio.run(scenario())


def test_a_factory_and_a_package_below_src(make: Callable[..., Site]) -> None:
    factory = """
        def create():
            def app(environ, start_response):
                start_response("200 OK", [])
                return [b"made"]
            return app
        app = create()
    """

    async def scenario() -> None:
        site = make({"src/shop/web.py": factory}, wsgi="shop.web:app")
        await site.warmed()
        await site.fork("s1")
        assert await site.get("s1") == (200, "made")

    asyncio.run(scenario())


LENGTHS = """
    import io

    def app(environ, start):
        path = environ["PATH_INFO"]
        start("304 Not Modified" if path == "/same" else "200 OK", [("Content-Length", "9")])
        if path == "/file":
            return environ["wsgi.file_wrapper"](open(__file__.replace("app.py", "nine"), "rb"))
        return {"/whole": [b"123456789"], "/short": [b"1234"]}.get(path, [])
"""


def test_an_answer_shorter_than_its_length_ends_the_connection(make: Callable[..., Site]) -> None:
    """Else the visitor waits for the rest, and keeps the server's place as long."""

    async def ask(site: Site, method: str, path: str) -> tuple[bytes, bool]:
        """The body, and whether the connection is still good for another request."""
        reader, writer = await asyncio.open_unix_connection(site.paths.server_socket("s1"))
        again = b"GET /whole HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        try:
            writer.write(f"{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
            bodiless = method == "HEAD" or head.startswith(b"HTTP/1.1 304")
            try:
                body = b"" if bodiless else await asyncio.wait_for(reader.readexactly(9), PATIENCE)
            except asyncio.IncompleteReadError as error:
                return error.partial, False
            writer.write(again)
            return body, (await asyncio.wait_for(reader.read(), PATIENCE)).endswith(b"\r\n\r\n123456789")
        finally:
            writer.close()

    async def scenario() -> None:
        site = make({"app.py": LENGTHS, "nine": "987654321"}, wsgi="app:app")
        await site.warmed()
        await site.fork("s1")
        assert await ask(site, "GET", "/short") == (b"1234", False)
        assert await ask(site, "GET", "/empty") == (b"", False)
        assert await ask(site, "GET", "/whole") == (b"123456789", True)
        assert await ask(site, "GET", "/file") == (b"987654321", True)
        assert await ask(site, "GET", "/same") == (b"", True)
        assert await ask(site, "HEAD", "/whole") == (b"", True)

    asyncio.run(scenario())
