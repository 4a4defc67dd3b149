"""What is told to a running balancer, and what it says."""

import asyncio
import time
from dataclasses import replace

import pytest

from seawall.errors import EngineFailed
from seawall.haproxy.socket import RuntimeSocket
from seawall.model import STRATEGIES, BalancerName, Route, RouteSeen, Strategy
from tests.client import Load, insecure
from tests.haproxy.conftest import MakeSite
from tests.haproxy.site import Site, until


async def routes(site: Site) -> dict[tuple[Strategy, str], RouteSeen]:
    return {(route.strategy, route.server): route for route in (await site.runtime("a").word()).routes}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_life_of_a_server(site: Site, strategy: Strategy) -> None:
    """Every step twice: the control plane may have died between doing and noting it."""

    async def main() -> None:
        await site.balancer("a", [], strategy)
        site.upstream("s1")

        async def status() -> str:
            return (await routes(site))[strategy, "s1"].status

        for _ in range(2):
            assert await site.step("add", "s1", strategy)
        assert await status() == "maint"
        for step, expected in (
            ("enable", "up"),
            ("drain", "drain"),
            ("enable", "up"),
            ("drain", "drain"),
            ("maint", "maint"),
        ):
            for _ in range(2):
                assert await site.step(step, "s1", strategy)
            assert await status() == expected
        steps = ("remove", "remove", "drain", "maint")
        for step in steps:
            assert await site.step(step, "s1", strategy)
        assert await routes(site) == {}

    asyncio.run(main())


def test_added_server_serves_and_is_watched(site: Site) -> None:
    async def main() -> None:
        runtime = await site.balancer("a", [], "random")
        site.upstream("s1")
        await site.step("add", "s1", "random")
        await site.step("enable", "s1", "random")
        load = Load(site.ports["http"], visitors=4)
        assert (await load.run(0.2)).failures == []

        async def checked() -> bool:
            return (await routes(site))["random", "s1"].check == "L7OK"

        await until(checked)
        assert (await routes(site))["random", "s1"].latency is not None
        site.upstreams["s1"].kill()

        async def down() -> bool:
            return (await routes(site))["random", "s1"].status == "down"

        await until(down)
        assert await runtime.heartbeat(1.0)

    asyncio.run(main())


def test_connections_to_an_added_server_are_kept(site: Site) -> None:
    async def main() -> None:
        runtime = await site.balancer("a", [], "random")
        site.upstream("s1")
        await site.step("add", "s1", "random")
        await site.step("enable", "s1", "random")
        assert (await Load(site.ports["http"], visitors=4).run(0.3)).failures == []
        header, *rows = (
            line.split() for line in (await runtime.ask("show servers conn app_random")).splitlines() if line
        )
        [kept] = (row[header.index("idle_cur") - 1] for row in rows if row[0] == "app_random/s1")
        assert int(kept) >= 1

    asyncio.run(main())


def test_server_of_the_configuration_can_be_removed(site: Site) -> None:
    async def main() -> None:
        await site.balancer("a", site.upstream("s1", "s2"), "random")
        await site.step("maint", "s1", "random")
        assert await site.step("remove", "s1", "random")
        assert set(await routes(site)) == {("random", "s2")}

    asyncio.run(main())


def test_removal_waits_for_open_requests(site: Site) -> None:
    async def main() -> None:
        await site.balancer("a", site.upstream("s1"))
        load = asyncio.create_task(Load(site.ports["http"], visitors=1, path="/?ms=1500").run(0.1))

        async def begun() -> bool:
            return (await routes(site))["least-connections", "s1"].current == 1

        await until(begun)
        await site.step("drain", "s1", "least-connections")
        assert (await routes(site))["least-connections", "s1"].current == 1
        await site.step("maint", "s1", "least-connections")
        assert not await site.step("remove", "s1", "least-connections")
        assert (await load).failures == []

    asyncio.run(main())


def test_refusal_is_an_error(site: Site) -> None:
    async def main() -> None:
        runtime = await site.balancer("a", [])
        with pytest.raises(EngineFailed, match="No such server"):
            await runtime.steps([(Route("", "a", "random", "s1", "enable"), site.address("s1"))], site.edge)

    asyncio.run(main())


def test_strategy_changes_under_load(site: Site) -> None:
    async def main() -> None:
        names = ("s1", "s2", "s3")
        runtime = await site.balancer("a", site.upstream(*names))
        read, send = (
            Load(site.ports["http"], path="/?ms=5"),
            Load(site.ports["https"], path="/?ms=5&id={id}", method="POST", visitors=5, tls=insecure()),
        )

        async def change() -> None:
            before: Strategy = "least-connections"
            for strategy in (*STRATEGIES[1:], *STRATEGIES):
                await asyncio.sleep(0.15)
                for name in names:
                    await site.step("add", name, strategy)
                    await site.step("enable", name, strategy)
                await runtime.set_strategy(strategy)
                assert (await runtime.word()).strategy == strategy
                for name in names:
                    await _leave(site, name, before)
                before = strategy

        await asyncio.gather(read.run(1.2), send.run(1.2), change())
        assert read.tally.failures + send.tally.failures == []
        assert read.tally.retried == 0
        assert {strategy for strategy, _ in await routes(site)} == {"random"}

    asyncio.run(main())


def test_half_a_change_of_strategy(site: Site) -> None:
    """The control plane may be killed between two commands."""

    async def main() -> None:
        runtime = await site.balancer("a", site.upstream("s1"), "round-robin")
        assert (await runtime.word()).strategy == "round-robin"
        await runtime.ask("set server switch/random state ready")
        assert (await runtime.word()).strategy == "round-robin"
        assert (await Load(site.ports["http"], visitors=2).run(0.1)).failures == []
        await runtime.set_strategy("random")
        assert (await runtime.word()).strategy == "random"

    asyncio.run(main())


async def _leave(site: Site, name: str, strategy: Strategy) -> None:
    await site.step("drain", name, strategy)

    async def gone() -> bool:
        route = (await routes(site))[strategy, name]
        if route.current or route.queued:
            return False
        await site.step("maint", name, strategy)
        return await site.step("remove", name, strategy)

    await until(gone)


def test_concurrency_is_limited_and_the_rest_waits(make_site: MakeSite) -> None:
    site = make_site(concurrency=2)

    async def main() -> None:
        runtime = await site.balancer("a", site.upstream("s1", "s2"))
        load = asyncio.create_task(Load(site.ports["http"], visitors=10, path="/?ms=1500").run(0.1))

        async def full() -> bool:
            traffic = await runtime.traffic()
            return (traffic.active, traffic.queued) == (4, 6)

        await until(full)
        assert (await load).failures == []

    asyncio.run(main())


def test_a_server_is_given_more_and_fewer_while_requests_wait(make_site: MakeSite) -> None:
    site = make_site(concurrency=1)

    async def main() -> None:
        runtime = await site.balancer("a", site.upstream("s1"))
        load = Load(site.ports["http"], visitors=10, path="/?ms=300", pause=0)
        work = asyncio.create_task(load.run(3600))
        try:
            for limit in (6, 2):
                route = Route("", "a", "least-connections", "s1", "limit")
                await runtime.steps([(route, replace(site.address("s1"), limit=limit))], site.edge)

                async def given(limit: int = limit) -> bool:
                    (seen,) = [one for one in (await runtime.word()).routes if one.server == "s1"]
                    return (seen.limit, seen.current) == (limit, limit)

                await until(given)
        finally:
            load.stop()
            await work
        assert load.tally.failures == []

    asyncio.run(main())


def test_traffic_is_counted_without_https(make_site: MakeSite) -> None:
    site = make_site(https_port=None, certificate=None)

    async def main() -> None:
        runtime = await site.balancer("a", site.upstream("s1"))
        assert (await Load(site.ports["http"], visitors=2).run(0.1)).failures == []
        traffic = await runtime.traffic()
        assert traffic.requests == sum(traffic.servers.values()) > 0

    asyncio.run(main())


def test_silence_is_an_error_and_a_missed_heartbeat(site: Site) -> None:
    async def main() -> None:
        runtime = RuntimeSocket(site.paths.balancer_socket("b"))
        with pytest.raises(OSError, match="No such file"):
            await runtime.word()
        assert not await runtime.heartbeat()
        listener = await asyncio.start_unix_server(lambda r, w: None, site.paths.balancer_socket("b"))
        with pytest.raises(TimeoutError):
            await RuntimeSocket(runtime.path, patience=0.05).ask("show info")
        assert not await runtime.heartbeat(0.05)
        listener.close()

    asyncio.run(main())


def test_fifty_servers_are_read_cheaply(site: Site) -> None:
    """A reading is a hundred times a minute: what it costs is mostly the question, not the servers."""

    async def reading(balancer: BalancerName, servers: int) -> float:
        runtime = await site.balancer(balancer, [site.address(f"s{n}") for n in range(servers)], "random")
        spent = []
        for _ in range(10):
            before = time.process_time()
            assert len((await runtime.word()).routes) == servers
            spent.append(time.process_time() - before)
        return min(spent)

    async def main() -> None:
        assert await reading("a", 50) < 3 * 5 * await reading("b", 10)

    asyncio.run(main())
