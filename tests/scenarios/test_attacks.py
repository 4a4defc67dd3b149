"""Slow senders and idle connections by the thousand: cut off or ignored, while the others are served."""

import asyncio
import contextlib
import resource
import socket
import time
from collections.abc import Awaitable
from typing import Any

import pytest

from tests.client import Load, insecure
from tests.patience import PATIENCE, starved
from tests.scenarios.raw import echo_site, request, send, status
from tests.scenarios.site import Site

site = echo_site


async def among(site: Site, attack: Awaitable[Any]) -> Load:
    """Ordinary visitors, from before the attack until after it."""
    visitors = Load(site.https, visitors=6, tls=insecure(), pause=0.02)
    work = asyncio.create_task(visitors.run(600))
    await asyncio.sleep(0.3)
    await attack
    visitors.stop()
    await work
    return visitors


def unharmed(visitors: Load) -> None:
    assert visitors.tally.failed == 0, visitors.tally.failures
    assert visitors.tally.ok > 20
    assert visitors.tally.percentile(0.99) < 2.0 * starved()


async def drip(site: Site, head: bytes, piece: bytes, seconds: float = PATIENCE) -> tuple[float, bytes]:
    """Send `piece` again and again, slowly. Seconds until it was cut off, and with which words."""
    began = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", site.https, ssl=insecure(), server_hostname="localhost")
    writer.write(head)
    words = b""
    with contextlib.suppress(ConnectionError):
        while not words and time.monotonic() - began < seconds:
            writer.write(piece)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    words = await reader.read(200)
    writer.close()
    return time.monotonic() - began, words


def test_slow_senders_are_cut_off(site: Site) -> None:
    """Header by header, and body by body; far more of them than there are threads."""
    header = request(line="GET / HTTP/1.1").removesuffix(b"\r\n")
    body = request("Content-Length: 500\r\n")

    async def scenario() -> None:
        starved_before = starved()
        attack = asyncio.gather(
            *(drip(site, header, b"X: y\r\n") for _ in range(20)), *(drip(site, body, b"x") for _ in range(20))
        )
        visitors = await among(site, attack)
        for seconds, words in attack.result():
            assert words.startswith(b"HTTP/1.1 408 ")
            assert 8 < seconds < 25 * max(starved_before, starved())
        unharmed(visitors)

    asyncio.run(scenario())


def test_slow_senders_of_long_bodies_take_only_their_share(site: Site) -> None:
    """What does not fit the balancer's buffer holds a server while it is sent: some of them, never all."""
    long = request("Content-Length: 50000\r\n", b"x" * 20000)
    chunked = request(
        "Transfer-Encoding: chunked\r\n",
        b"1000\r\n" + b"x" * 4096 + b"\r\n1000\r\n" + b"x" * 4096 + b"\r\nffff\r\n" + b"x" * 20000,
    )
    wide = request(f"Content-Length: 50000\r\nX: {'a' * 14900}\r\n", b"x" * 1000)

    async def scenario() -> None:
        attack = asyncio.gather(*(drip(site, head, b"x", 4.0) for head in (long, chunked, wide) for _ in range(12)))
        unharmed(await among(site, attack))

    asyncio.run(scenario())
    assert (
        status(send(site, request(f"Content-Length: {len(b'x' * 20000)}\r\nConnection: close\r\n", b"x" * 20000)))
        == 200
    )


async def sip(site: Site, size: int, seconds: float) -> None:
    """Ask for a page of `size` bytes and read it a few bytes at a time."""
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.setblocking(False)
    await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", site.https))
    reader, writer = await asyncio.open_connection(sock=plain, ssl=insecure(), server_hostname="localhost", limit=64)
    writer.write(request(line=f"GET /?{size} HTTP/1.1"))
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        await reader.read(16)
        await asyncio.sleep(0.3)
    writer.transport.abort()


def test_slow_readers_hold_no_server(site: Site) -> None:
    """A page is out of the server as soon as it fits the buffers on the way, here 300 kB."""

    async def scenario() -> None:
        unharmed(await among(site, asyncio.gather(*(sip(site, 300_000, 3.0) for _ in range(40)))))

    asyncio.run(scenario())


IDLE = 10_000


def test_ten_thousand_idle_connections(site: Site) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if before[1] < IDLE + 1000:
        pytest.skip("this user may not open so many files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], IDLE + 1000), before[1]))

    async def connect(number: int) -> list[socket.socket]:
        loop = asyncio.get_running_loop()
        opened = [socket.socket() for _ in range(number)]
        for each in opened:
            each.setblocking(False)
            with contextlib.suppress(ConnectionError):  # it has more than its share
                await loop.sock_connect(each, ("127.0.0.1", site.http))
        return opened

    async def scenario() -> None:
        visitors = Load(site.https, visitors=6, tls=insecure(), pause=0.02)
        groups = await asyncio.gather(*(connect(IDLE // 10) for _ in range(10)))
        try:
            await visitors.run(2.0)
            unharmed(visitors)
            assert site.status()["servers"][0]["state"] == "up"
        finally:
            for group in groups:
                for each in group:
                    each.close()

    try:
        asyncio.run(scenario())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_after_all_that_nothing_has_died(site: Site) -> None:
    """Runs last in this file, on the same site."""
    kinds = {line.split()[1] for line in site.log.read_text().splitlines() if len(line.split()) > 1}
    assert not kinds & {"kill-server", "forget-server", "take-over", "internal-error", "crash-loop"}
