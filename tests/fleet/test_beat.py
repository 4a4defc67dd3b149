"""Heartbeats on a socket of their own, and what they say of a server's work."""

import asyncio
import json
import os
import stat
import time
from collections.abc import Callable

import pytest

from seawall.fleet import server
from seawall.fleet.server import Pulse

from .conftest import Site, ended

SLOW = """
    import sys, time
    begun = []
    def app(environ, start_response):
        if environ["PATH_INFO"] == "/exit":
            sys.exit(3)
        begun.append(environ["PATH_INFO"])
        time.sleep(float(environ["QUERY_STRING"] or 0))
        start_response("200 OK", [])
        return [" ".join(begun).encode()]
"""
BLOCKED = """
    import time
    async def app(scope, receive, send):
        if scope["type"] == "http":
            time.sleep(float(scope["query_string"] or 0))
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"done"})
"""


async def given_up(site: Site, path: str) -> None:
    """A request whose client goes as soon as it has asked."""
    _, writer = await asyncio.open_unix_connection(site.paths.server_socket("s1"))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    await asyncio.sleep(0.05)
    writer.close()


def test_what_a_server_of_another_release_says(make: Callable[..., Site]) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b'HTTP/1.1 200 OK\r\n\r\n{"working": 2, "mood": "good"}')
        writer.close()

    async def scenario() -> Pulse:
        site = make({"app.py": ""}, wsgi="app:app")
        async with await asyncio.start_unix_server(speak, server.beat_socket(site.paths, "s1")):
            return await server.pulse(site.paths, "s1", 10)

    assert asyncio.run(scenario()) == Pulse(working=2)


async def until(site: Site, holds: Callable[[Pulse], bool]) -> Pulse:
    async with asyncio.timeout(15):
        while not holds(pulse := await server.pulse(site.paths, "s1", 10)):
            await asyncio.sleep(0.02)
    return pulse


async def status(site: Site) -> bytes:
    reader, writer = await asyncio.open_unix_connection(server.beat_socket(site.paths, "s1"))
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    answer = await reader.read()
    writer.close()
    return answer.split()[1]


def test_it_counts_who_waits_and_who_has_gone(make: Callable[..., Site]) -> None:
    async def scenario() -> None:
        site = make({"app.py": SLOW}, wsgi="app:app", servers={"concurrency": 1})
        await site.warmed()
        await site.fork("s1")
        before = await until(site, lambda pulse: pulse.loop > 0)
        waiting = asyncio.create_task(site.get("s1", "/waits?4"))
        await until(site, lambda pulse: pulse.working == 1)
        await given_up(site, "/gone?4")
        seen = await until(site, lambda pulse: pulse.working == 2 and pulse.abandoned == 1)
        assert (seen.begun - before.begun, seen.ended - before.ended) == (2, 0)
        assert await status(site) == b"200"
        assert (await waiting)[0] == 200
        seen = await until(site, lambda pulse: pulse.working == 0)
        assert seen.ended == seen.begun
        assert seen.loop > before.loop

    asyncio.run(scenario())


def test_who_gave_up_takes_nobody_s_place_and_more_of_them_make_it_busy(make: Callable[..., Site]) -> None:
    async def scenario() -> None:
        site = make({"app.py": SLOW}, wsgi="app:app", servers={"concurrency": 1})
        await site.warmed()
        await site.fork("s1")
        for number in range(2):
            await given_up(site, f"/{number}?6")
        await until(site, lambda pulse: pulse.abandoned == 2)
        assert await status(site) == b"200"
        assert (await site.get("s1", "/meanwhile"))[0] == 200, "it did not wait for the others"
        assert (await until(site, lambda pulse: True)).abandoned == 2
        await given_up(site, "/2?6")
        await given_up(site, "/3?6")
        await until(site, lambda pulse: pulse.abandoned >= 3)
        assert await status(site) == b"503"
        # Those that had to wait for a thread are not begun: nobody waits for them.
        for number in range(4, 8):
            await given_up(site, f"/never{number}?6")
        await until(site, lambda pulse: pulse.working == 0)
        assert "never" not in (await site.get("s1", "/"))[1]

    asyncio.run(scenario())


def test_a_blocked_loop_answers_and_shows_that_it_stands_still(make: Callable[..., Site]) -> None:
    async def scenario() -> None:
        site = make({"app.py": BLOCKED}, asgi="app:app")
        await site.warmed()
        await site.fork("s1")
        busy = asyncio.create_task(site.get("s1", "/?2"))
        await until(site, lambda pulse: pulse.working == 1)
        first, began = await server.pulse(site.paths, "s1", 10), time.monotonic()
        while not busy.done() and time.monotonic() - began < 1:
            second = await server.pulse(site.paths, "s1", 10)
            await asyncio.sleep(0.05)
        if not busy.done():
            assert second.loop == first.loop
        assert await busy == (200, "4\r\ndone\r\n0\r\n\r\n")

    asyncio.run(scenario())


def test_sys_exit_in_a_view_ends_only_the_request(make: Callable[..., Site]) -> None:
    async def scenario() -> None:
        site = make({"app.py": SLOW}, wsgi="app:app")
        await site.warmed()
        process = await site.fork("s1")
        assert (await site.get("s1", "/exit"))[0] == 500
        assert (await site.get("s1", "/"))[0] == 200
        assert process.alive

    asyncio.run(scenario())


@pytest.mark.parametrize("cold", [False, True], ids=["forked", "cold"])
def test_both_sockets_are_ours_and_the_balancer_s_alone(make: Callable[..., Site], cold: bool) -> None:
    async def scenario() -> None:
        site = make({"app.py": SLOW}, wsgi="app:app")
        before = os.umask(0)
        try:
            await site.warmed()
            await (site.cold("s1") if cold else site.fork("s1"))
        finally:
            os.umask(before)
        for path in (site.paths.server_socket("s1"), server.beat_socket(site.paths, "s1")):
            assert stat.S_IMODE(path.stat().st_mode) in (0o600, 0o660)
            assert path.stat().st_mode & 0o060 == 0 or os.geteuid() == 0
        await until(site, lambda pulse: True)
        site.started[-1].signal(9)
        await ended(site.started[-1])
        with pytest.raises(ConnectionError):
            await server.pulse(site.paths, "s1", 1)

    asyncio.run(scenario())


def test_a_body_that_is_not_read_is_taken_whole(make: Callable[..., Site]) -> None:
    size = 1_000_000

    async def scenario() -> None:
        site = make({"app.py": SLOW}, wsgi="app:app")
        await site.warmed()
        await site.fork("s1")
        reader, writer = await asyncio.open_unix_connection(site.paths.server_socket("s1"))
        for _ in range(2):  # on one connection: so it was read to its end
            writer.write(f"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n\r\n".encode())
            writer.write(b"x" * size)
            await writer.drain()
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            await reader.readuntil(b"0\r\n\r\n")
        writer.close()

    asyncio.run(scenario())


@pytest.mark.parametrize(("kind", "code"), [("wsgi", SLOW), ("asgi", BLOCKED)])
def test_it_takes_as_many_requests_as_it_is_told(make: Callable[..., Site], kind: str, code: str) -> None:
    async def main() -> None:
        site = make({"app.py": code}, servers={"concurrency": 2}, **{kind: "app:app"})
        await site.warmed()
        await site.fork("s1")
        assert (await server.pulse(site.paths, "s1", 10)).slots == 2
        for told in (7, 3):
            assert (await server.pulse(site.paths, "s1", 10, slots=told)).slots == told
        assert (await server.pulse(site.paths, "s1", 10)).slots == 3

    asyncio.run(main())


LIES = [{"slots": -5}, {"ended": 1 << 70}, {"loop": "x"}, {"loop": None}, 7]


@pytest.mark.parametrize("said", LIES, ids=str)
def test_an_application_that_says_what_cannot_be_does_not_answer(make: Callable[..., Site], said: object) -> None:
    async def main() -> None:
        paths = make({"app.py": SLOW}, wsgi="app:app").paths

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + json.dumps(said).encode())
            writer.close()

        async with await asyncio.start_unix_server(answer, server.beat_socket(paths, "s1")):
            with pytest.raises(ConnectionError, match="s1 does not say how it is"):
                await server.pulse(paths, "s1", 10)

    asyncio.run(main())
