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


TRAILERS = """
    import json

    async def app(scope, receive, send):
        if scope["type"] != "http":
            return
        while (await receive()).get("more_body"):
            pass
        seen = {key: scope[key] for key in ("client", "server", "scheme")}
        seen["headers"] = [[name.decode(), value.decode()] for name, value in scope["headers"]]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(seen).encode()})
"""


@pytest.mark.parametrize("later", [0.0, 0.2], ids=["at once", "later"])
def test_trailers_change_nothing(make: Callable[..., Site], later: float) -> None:
    head = "POST / HTTP/1.1\r\nHost: example.org\r\nX-Forwarded-For: 203.0.113.9\r\nTransfer-Encoding: chunked\r\n"
    trailers = "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nHost: evil\r\nExpect: 100-continue\r\nA: b\r\n"

    async def scenario() -> None:
        site = make({"main.py": TRAILERS}, asgi="main:app")
        await site.warmed()
        await site.fork("s1")
        reader, writer = await asyncio.open_unix_connection(site.paths.server_socket("s1"))
        writer.write(f"{head}Connection: close\r\n\r\n1\r\nx\r\n0\r\n".encode())
        await asyncio.sleep(later)
        writer.write(f"{trailers}\r\n".encode())
        answer = (await reader.read()).decode()
        writer.close()
        seen = json.loads(answer[answer.index("{") : answer.rindex("}") + 1])
        assert (seen["client"], seen["server"], seen["scheme"]) == (["203.0.113.9", 0], ["example.org", 80], "http")
        assert [name for name, _ in seen["headers"]] == ["host", "x-forwarded-for", "transfer-encoding", "connection"]

    asyncio.run(scenario())
