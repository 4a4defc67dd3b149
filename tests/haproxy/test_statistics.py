"""What a running balancer has counted of requests, and what goes on in it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from seawall.errors import EngineFailed
from seawall.haproxy.statistics import Reading, rows_of
from seawall.model import Strategy
from tests.client import Connection
from tests.haproxy.conftest import MakeSite
from tests.haproxy.site import Site, until

STRATEGY: Strategy = "least-connections"


@contextlib.asynccontextmanager
async def asking(site: Site, number: int, path: str, headers: str = "") -> AsyncIterator[None]:
    """So many visitors who each ask once; their answers are in at the end of the block."""
    visitors = [Connection("127.0.0.1", site.ports["http"], None) for _ in range(number)]
    asked = [asyncio.create_task(visitor.request("GET", path, headers=headers)) for visitor in visitors]
    try:
        yield
        assert {answer.status for answer in await asyncio.gather(*asked)} <= {200, 101}
    finally:
        for visitor in visitors:
            visitor.close()


async def reading(site: Site) -> Reading:
    return await site.runtime("a").reading(STRATEGY)


def test_requests_in_servers_and_in_the_queue_are_told_apart(site: Site) -> None:
    async def main() -> None:
        await site.balancer("a", site.upstream("s1"))
        async with asking(site, 10, "/?ms=700"):

            async def full() -> bool:
                return (await reading(site)).queued == 6

            await until(full)
            assert await reading(site) == Reading(10, 6, 0, {"s1": (4, 4)})
            pulse = await site.runtime("a").pulse(STRATEGY)
            assert (pulse.finishing, pulse.requests, pulse.current) == (False, 10, 10)
        assert await reading(site) == Reading(10, 0, 0, {"s1": (10, 0)})
        pulse = await site.runtime("a").pulse(STRATEGY)
        assert (pulse.requests, pulse.current) == (10, 0)

    asyncio.run(main())


def test_who_waits_for_the_first_server_counts_once(make_site: MakeSite) -> None:
    site = make_site()

    async def main() -> None:
        await site.balancer("a", [])
        site.upstream("s1")
        async with asking(site, 3, "/"):
            await asyncio.sleep(0.7)  # some turns in the waiting room
            assert (await reading(site)).serving == 0
            await site.step("add", "s1", STRATEGY)
            await site.step("enable", "s1", STRATEGY)
        assert await reading(site) == Reading(3, 0, 0, {"s1": (3, 0)})

    asyncio.run(main())


WEBSOCKET = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"


EVENTS = "Accept: text/event-stream\r\n"


@pytest.mark.parametrize(
    ("answer", "header"),
    [("type=text/event-stream", ""), ("type=text/event-stream;charset=utf-8", EVENTS), ("status=101", WEBSOCKET)],
)
def test_streams_are_counted_while_they_last(site: Site, answer: str, header: str) -> None:
    async def main() -> None:
        await site.balancer("a", site.upstream("s1"))
        async with asking(site, 2, f"/?stream=800&{answer}", header), asking(site, 1, "/?ms=800"):

            async def begun() -> bool:
                return (await reading(site)).serving == 3 and (await reading(site)).streams == 2

            await until(begun)

        async def over() -> bool:
            return (await reading(site)).streams == 0

        await until(over)

    asyncio.run(main())


@pytest.mark.parametrize("header", [EVENTS, WEBSOCKET])
def test_who_asks_for_a_stream_and_gets_a_page_is_no_stream(site: Site, header: str) -> None:
    async def main() -> None:
        await site.balancer("a", site.upstream("s1"))
        async with asking(site, 6, "/?ms=700", header):

            async def full() -> bool:
                return (await reading(site)).queued == 2

            await until(full)
            assert (await reading(site)).streams == 0

    asyncio.run(main())


def test_a_sentence_with_commas_is_one_column() -> None:
    [row] = rows_of('# pxname,svname,last_chk,\napp,s1,"a, ""b""",\n')
    assert (row["svname"], row["last_chk"]) == ("s1", 'a, "b"')


def test_half_a_row_is_not_believed() -> None:
    with pytest.raises(EngineFailed):
        list(rows_of("# pxname,svname,scur,\napp,s1\n"))
