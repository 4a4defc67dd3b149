"""Bodies that fit no buffer: several at once over one connection, slow ones, and those that were given up."""

import asyncio
from collections import Counter

import pytest

from seawall.haproxy.render import _uploads
from seawall.model import STRATEGIES, Strategy
from tests.client import Connection, insecure
from tests.haproxy.conftest import MakeSite
from tests.haproxy.site import Site, until
from tests.scenarios.streams import Streams

OTHER = "127.0.0.2"  # somebody else's address on the same machine
FEW = 12  # seconds: less than anything in a site's configuration takes that ends a wait
LONG = {"queue_timeout": 60, "request_timeout": 60}


async def site_of(make_site: MakeSite, servers: int, strategy: Strategy = "least-connections") -> Site:
    site = make_site(slots=4 * servers, **LONG)
    await site.balancer("a", site.upstream(*(f"s{number}" for number in range(1, servers + 1))), strategy)
    return site


def uploaded(site: Site, length: int, times: int) -> Counter[int]:
    """The statuses of several bodies at once over one HTTP/2 connection, a page on the same connection among them."""
    with Streams(site.ports["https"]) as streams:
        numbers = streams.upload("/?id=1", length, times)
        page = streams.ask("/")
        answers = [streams.wait(number, FEW) for number in [*numbers, page]]
    assert [answer.ended for answer in answers] == [True] * len(answers)
    assert answers.pop().status == 200
    return Counter(answer.status for answer in answers)


@pytest.mark.parametrize("length", [20_000, 1_000_000])
@pytest.mark.parametrize("times", [3, 6])
def test_side_by_side_over_one_connection(make_site: MakeSite, length: int, times: int) -> None:
    async def main() -> None:
        site = await site_of(make_site, 2)
        for _ in range(3):
            assert await asyncio.to_thread(uploaded, site, length, times) == {200: times}

    asyncio.run(main())


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_more_than_are_served_at_once(make_site: MakeSite, strategy: Strategy) -> None:
    async def main() -> None:
        site = await site_of(make_site, 2, strategy)
        statuses = await asyncio.to_thread(uploaded, site, 1_000_000, 12)
        assert statuses[200] >= 6
        assert statuses[200] + statuses[503] == 12

    asyncio.run(main())


def test_more_than_are_served_at_once_wait_if_short(make_site: MakeSite) -> None:
    async def main() -> None:
        site = await site_of(make_site, 2)
        assert await asyncio.to_thread(uploaded, site, 60_000, 40) == {200: 40}

    asyncio.run(main())


def test_short_ones_that_wait_stop_no_page(make_site: MakeSite) -> None:
    async def main() -> None:
        site = await site_of(make_site, 2)
        slow = [await slow_upload(site) for _ in range(8)]
        with await asyncio.to_thread(Streams, site.ports["https"], OTHER) as streams:
            waiting = await asyncio.to_thread(streams.upload, "/?id=1", 100_000, 20)
            page = streams.ask("/")
            assert (await asyncio.to_thread(streams.wait, page, FEW)).status == 200
            assert not any(streams.streams[number].ended for number in waiting)
            for writer in slow:
                writer.close()
            for number in waiting:
                assert (await asyncio.to_thread(streams.wait, number, FEW)).status == 200

    asyncio.run(main())


async def slow_upload(site: Site) -> asyncio.StreamWriter:
    _, writer = await asyncio.open_connection("127.0.0.1", site.ports["http"], local_addr=(OTHER, 0))
    writer.write(b"POST /?id=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 50000\r\n\r\n" + b"x" * 20_000)
    return writer


def slow_uploads(site: Site, times: int) -> Streams:
    """As many, over one HTTP/2 connection."""
    streams = Streams(site.ports["https"], OTHER)
    for _ in range(times):
        number = streams.ask("/?id=1", "POST", [("content-length", "50000")], more=True)
        streams.send(number, b"x" * 20_000, last=False)
    return streams


async def others_upload(site: Site) -> None:
    """One file by HTTP/1.1, one by HTTP/2."""
    connection = Connection("127.0.0.1", site.ports["https"], insecure())
    for _ in range(5):
        async with asyncio.timeout(FEW):
            assert (await connection.request("POST", "/?id=2", b"x" * 30_000)).status == 200
        for length in (30_000, 300_000):
            assert await asyncio.to_thread(uploaded, site, length, 1) == {200: 1}
    connection.close()


@pytest.mark.parametrize(("servers", "times"), [(1, 8), (2, 7), (3, 7), (3, 40), (10, 90)])
def test_slow_ones_do_not_stop_those_of_others(make_site: MakeSite, servers: int, times: int) -> None:
    async def main() -> None:
        site = await site_of(make_site, servers)
        slow = [await slow_upload(site) for _ in range(times)]
        await asyncio.sleep(0.2)
        await others_upload(site)
        for writer in slow:
            writer.close()

    asyncio.run(main())


@pytest.mark.parametrize(("servers", "times"), [(1, 8), (2, 7), (3, 7), (3, 40), (10, 90)])
def test_slow_ones_over_one_connection(make_site: MakeSite, servers: int, times: int) -> None:
    async def main() -> None:
        site = await site_of(make_site, servers)
        slow = await asyncio.to_thread(slow_uploads, site, times)
        await others_upload(site)
        slow.__exit__()

    asyncio.run(main())


@pytest.mark.parametrize("times", [6, 40])
def test_what_was_given_up_holds_nothing(make_site: MakeSite, times: int) -> None:
    async def main() -> None:
        site = await site_of(make_site, 2)
        for _ in range(3):
            slow = await asyncio.to_thread(slow_uploads, site, times)
            slow.__exit__()
            slow_too = [await slow_upload(site) for _ in range(times)]
            for writer in slow_too:
                writer.close()
            # Its own address gets all that it had.
            statuses: Counter[int] = Counter()

            async def all_served(statuses: Counter[int] = statuses) -> bool:
                statuses.update(await asyncio.to_thread(uploaded, site, 300_000, 6))
                return statuses[200] >= 6

            await until(all_served, FEW)

    asyncio.run(main())


def test_many_connections_of_one_address_wait(make_site: MakeSite) -> None:
    """One upload each: they may be many people behind one address."""

    def one(site: Site) -> int:
        with Streams(site.ports["https"]) as streams:
            [number] = streams.upload("/?id=1&ms=100", 1_000_000, 1)
            return streams.wait(number, FEW).status

    async def main() -> None:
        site = await site_of(make_site, 2)
        assert await asyncio.gather(*(asyncio.to_thread(one, site) for _ in range(30))) == [200] * 30

    asyncio.run(main())


def test_they_wait_by_http_1(make_site: MakeSite) -> None:
    async def one(site: Site) -> int:
        connection = Connection("127.0.0.1", site.ports["http"], None)
        try:
            return (await connection.request("POST", "/?id=1&ms=100", b"x" * 300_000)).status
        finally:
            connection.close()

    async def main() -> None:
        site = await site_of(make_site, 1)
        assert await asyncio.gather(*(one(site) for _ in range(40))) == [200] * 40

    asyncio.run(main())


@pytest.mark.parametrize("slots", [1, 2, 3, 4, 6, 8, 12, 200, 20_000])
def test_shares(slots: int) -> None:
    shares = _uploads(slots)
    assert 1 <= shares["each"] <= shares["fair"]
    assert shares["fair"] + shares["several"] <= max(1, slots - 1)
    assert shares["several"] >= (5 if slots >= 8 else slots >= 3)  # six at once with the one that counts as single
    assert shares["fair"] >= (2 if slots >= 4 else 1)
