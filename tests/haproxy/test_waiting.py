"""While no server is up: requests wait in the balancer, it says so at once, and they can be turned away or led on."""

import asyncio
import socket
from collections import Counter

import pytest

from seawall.haproxy.finishing import lead_inside
from seawall.model import STRATEGIES, BalancerName, Strategy
from tests.client import Answer, Connection
from tests.haproxy.conftest import MakeSite
from tests.haproxy.site import Site, info, until

BODY = b"x" * 100_000


async def ask(site: Site, path: str, method: str = "GET", body: bytes = b"") -> Answer:
    connection = Connection("127.0.0.1", site.ports["http"], None)
    try:
        return await connection.request(method, path, body)
    finally:
        connection.close()


def crowd(site: Site, number: int, name: str = "") -> list["asyncio.Task[Answer]"]:
    """So many at once, each fourth with a large form."""
    asked = [("POST", BODY) if n % 4 == 0 else ("GET", b"") for n in range(number)]
    return [asyncio.create_task(ask(site, f"/?id={name}{n}", *what)) for n, what in enumerate(asked)]


async def waiting(site: Site, number: int) -> None:
    async def all_there() -> bool:
        return int((await info(site.runtime("a")))["CurrConns"]) >= number

    await until(all_there)


async def serve(site: Site, strategy: Strategy, balancer: BalancerName = "a") -> None:
    [server] = site.upstream("s1")
    await site.step("add", server.name, strategy, balancer)
    await site.step("enable", server.name, strategy, balancer)


@pytest.mark.parametrize("hop", [False, True], ids=["python", "command"])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_crowd_waits_and_takes_hardly_any_room(make_site: MakeSite, strategy: Strategy, hop: bool) -> None:
    site = make_site(hop=hop)

    async def main() -> None:
        await site.balancer("a", [], strategy)
        asked = crowd(site, 100)
        await waiting(site, 100)
        await asyncio.sleep(0.5)
        assert not any(task.done() for task in asked)
        # A connection inside for each form, for each page of a command, and a few more.
        assert int((await info(site.runtime("a")))["CurrConns"]) < 100 + 2 * 25 + 75 * hop + 10
        await serve(site, strategy)
        assert Counter(answer.status for answer in await asyncio.gather(*asked)) == {200: 100}
        assert site.doubled_posts() == []

    asyncio.run(main())


def test_the_first_who_waits_is_told_at_once(site: Site) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as knocks:
        knocks.bind(str(site.paths.knocks))
        site.paths.knocks.chmod(0o666)
        knocks.setblocking(False)

        async def main() -> None:
            await site.balancer("a", site.upstream("s1"))
            assert (await ask(site, "/")).status == 200
            with pytest.raises(BlockingIOError):
                knocks.recv(1024)
            await site.step("maint", "s1", "least-connections")
            asked = crowd(site, 5)
            await asyncio.get_running_loop().sock_recv(knocks, 1024)
            assert not any(task.done() for task in asked)
            assert (await site.runtime("a").pulse("least-connections")).current >= 5
            await site.step("enable", "s1", "least-connections")
            assert Counter(answer.status for answer in await asyncio.gather(*asked)) == {200: 5}

        asyncio.run(main())


@pytest.mark.parametrize("hop", [False, True], ids=["python", "command"])
def test_who_waits_can_be_turned_away(make_site: MakeSite, hop: bool) -> None:
    site = make_site(queue_timeout=20.0, hop=hop)

    async def main() -> None:
        runtime = await site.balancer("a", [])
        asked = crowd(site, 40)
        await waiting(site, 40)
        await runtime.turn_away(True)
        assert (await runtime.word()).turns_away
        answers = [*await asyncio.gather(*asked), *await asyncio.gather(*crowd(site, 8, "more"))]
        assert Counter(answer.status for answer in answers) == {503: 48}
        assert {answer.header("retry-after") for answer in answers} == {"5"}
        await runtime.turn_away(False)
        assert not (await runtime.word()).turns_away
        later = crowd(site, 4)
        await asyncio.sleep(0.3)
        assert not any(task.done() for task in later)
        await serve(site, "least-connections")
        assert Counter(answer.status for answer in await asyncio.gather(*later)) == {200: 4}
        # While a server is up, nobody is turned away.
        await runtime.turn_away(True)
        assert Counter([(await ask(site, "/")).status for _ in range(5)]) == {200: 5}
        assert all(name == "s1" for name, _ in await runtime.latencies())

    asyncio.run(main())


def test_who_waits_in_a_balancer_that_finishes_is_handed_to_the_other(site: Site) -> None:
    async def main() -> None:
        runtime = await site.balancer("a", [])
        await site.balancer("b", [])
        asked = crowd(site, 40)
        await waiting(site, 40)
        lead_inside(site.paths.runtime, "a", "b")
        await runtime.let_go()
        await serve(site, "least-connections", "b")
        assert Counter(answer.status for answer in await asyncio.gather(*asked)) == {200: 40}
        assert site.doubled_posts() == []

    asyncio.run(main())


def test_who_waits_does_so_for_the_servers_of_the_strategy_that_is_set_meanwhile(site: Site) -> None:
    async def main() -> None:
        runtime = await site.balancer("a", [], "least-connections")
        asked = crowd(site, 40)
        await waiting(site, 40)
        await runtime.set_strategy("random")
        assert (await runtime.word()).strategy == "random"
        more = crowd(site, 10, "more")
        await serve(site, "random")
        assert Counter(answer.status for answer in await asyncio.gather(*asked, *more)) == {200: 50}
        assert site.doubled_posts() == []

    asyncio.run(main())


def test_a_server_that_is_to_stay_after_all_takes_those_who_wait(site: Site) -> None:
    async def main() -> None:
        await site.balancer("a", site.upstream("s1"))
        await site.step("drain", "s1", "least-connections")
        asked = crowd(site, 10)
        await waiting(site, 10)
        await site.step("enable", "s1", "least-connections")
        assert Counter(answer.status for answer in await asyncio.gather(*asked)) == {200: 10}

    asyncio.run(main())
