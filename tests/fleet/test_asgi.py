"""ASGI applications in forked servers."""

import asyncio
import json
import signal
from collections.abc import Callable

import pytest
from websockets.asyncio.client import unix_connect

from seawall.fleet import server
from tests.patience import PATIENCE

from .conftest import Site, ended

STARLETTE = """
    import asyncio, contextlib, os
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse, PlainTextResponse
    from starlette.routing import Route, WebSocketRoute

    @contextlib.asynccontextmanager
    async def lifespan(app):
        app.state.ready = True
        yield

    async def index(request):
        return JSONResponse({"pid": os.getpid(), "client": request.client.host, "url": str(request.url),
                             "server": request.scope["server"], "ready": request.app.state.ready})

    async def slow(request):
        await asyncio.sleep(1.5)
        return PlainTextResponse("done")

    async def echo(socket):
        await socket.accept()
        await socket.send_text(f"{socket.url} {await socket.receive_text()}")
        await socket.close()

    app = Starlette(routes=[Route("/", index), Route("/slow", slow), WebSocketRoute("/echo", echo)], lifespan=lifespan)
"""
VISITOR = ("Host: example.org", "X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https")


def test_starlette_is_forked_and_told_who_asks(make: Callable[..., Site]) -> None:
    async def scenario() -> None:
        site = make({"main.py": STARLETTE}, asgi="main:app")
        report = await site.warmed()
        assert (report.ready, report.can_fork, report.notes) == (True, True, ())
        one, two = await site.fork("s1"), await site.fork("s2")
        assert json.loads((await site.get("s1", "/", *VISITOR))[1]) == {
            "pid": one.pid,
            "client": "203.0.113.9",
            "url": "https://example.org/",
            "server": ["example.org", 443],
            "ready": True,
        }
        assert json.loads((await site.get("s2"))[1])["pid"] == two.pid
        assert (await site.get("s1", "/%00"))[0] == 400
        assert (await site.get("s1", "/", "X-Any: a\0b"))[0] == 400

    asyncio.run(scenario())


def test_websockets(make: Callable[..., Site]) -> None:
    async def scenario() -> None:
        site = make({"main.py": STARLETTE}, asgi="main:app")
        await site.warmed()
        await site.fork("s1")
        path = str(site.paths.server_socket("s1"))
        secure = {"X-Forwarded-Proto": "https"}
        async with unix_connect(path, "ws://example.org/echo", additional_headers=secure) as socket:
            await socket.send("hello")
            assert await socket.recv() == "wss://example.org/echo hello"

    asyncio.run(scenario())


def test_a_server_told_to_stop_finishes_what_it_has(make: Callable[..., Site]) -> None:
    async def scenario() -> None:
        site = make({"main.py": STARLETTE}, asgi="main:app")
        await site.warmed()
        process = await site.fork("s1")
        busy = [asyncio.create_task(site.get("s1", "/slow")) for _ in range(6)]
        await asyncio.sleep(0.1)
        await server.heartbeat(server.address(site.paths, "s1"), PATIENCE)
        assert not any(task.done() for task in busy)
        process.signal(signal.SIGTERM)
        assert [await task for task in busy] == [(200, "done")] * 6
        assert await ended(process) == "exit code 0"
        with pytest.raises(ConnectionRefusedError):
            await site.get("s1")

    asyncio.run(scenario())


def test_an_application_with_an_event_loop_of_its_own_is_started_cold(make: Callable[..., Site]) -> None:
    source = "import asyncio\n    loop = asyncio.new_event_loop()\n" + STARLETTE

    async def scenario() -> None:
        site = make({"main.py": "    " + source}, asgi="main:app")
        report = await site.warmed()
        assert report.ready
        assert not report.can_fork
        await site.cold("s1")
        assert (await site.get("s1"))[0] == 200

    asyncio.run(scenario())
