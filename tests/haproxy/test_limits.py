"""Visitors who take more than their share of connections, slots or time, and what a cookie may choose."""

import asyncio
import contextlib
import time

import pytest

from seawall.allowance import memory_limit
from seawall.haproxy.render import ServerAddress, added_server
from tests.client import Load
from tests.haproxy.conftest import MakeSite
from tests.haproxy.site import Site, info, until
from tests.haproxy.test_requests import ask, send
from tests.haproxy.test_runtime import routes

OTHER = "127.0.0.2"  # somebody else's address on the same machine

NAMES = ["later", "app_random", "once", "switch/random", "s1x", "s99", "xs1", "s", "", '"s1"', "s1;later", "x" * 10_000]


@pytest.mark.parametrize("name", NAMES)
def test_a_cookie_names_a_server_or_nothing(make_site: MakeSite, name: str) -> None:
    site = make_site(sticky=True)

    async def main() -> None:
        runtime = await site.balancer("a", site.upstream("s1", "s2"))
        for method in ("GET", "POST"):
            answer = await ask(site, "/?id=1", method=method, headers=f"Cookie: seawall={name}\r\n")
            assert (answer.status, answer.body in (b"s1", b"s2")) == (200, True)
        waited = await runtime.ask("show stat app_least-connections 4 -1")
        [later] = [line.split(",") for line in waited.splitlines() if ",later," in line]
        assert later[7] == "0", "it was sent to the waiting room"

    asyncio.run(main())


def test_idle_connections_of_one_leave_room_for_others(make_site: MakeSite) -> None:
    site = make_site(max_connections=2000, redirect=False)

    async def idle(number: int) -> list[asyncio.StreamWriter]:
        opened = []
        for _ in range(number):
            with contextlib.suppress(ConnectionError):  # it is counted out
                _, writer = await asyncio.open_connection("127.0.0.1", site.ports["http"], local_addr=(OTHER, 0))
                opened.append(writer)
        return opened

    async def main() -> None:
        runtime = await site.balancer("a", site.upstream("s1"))
        held = [writer for group in await asyncio.gather(*(idle(200) for _ in range(10))) for writer in group]
        load = Load(site.ports["http"], visitors=30, timeout=3.0)
        assert (await load.run(0.5)).failures == []
        assert int((await info(runtime))["CurrConns"]) < 600
        for writer in held:
            writer.close()

    asyncio.run(main())


def test_a_body_has_its_own_time(make_site: MakeSite) -> None:
    site = make_site(body_timeout=1.0)

    async def main() -> None:
        await site.balancer("a", site.upstream("s1"))
        began = time.monotonic()
        assert await send(site, b"POST /?id=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nbegin") == 408
        assert time.monotonic() - began < 9, "it was the time for headers"
        assert not site.journal.exists()

    asyncio.run(main())


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_event_stream_may_be_silent(make_site: MakeSite, method: str) -> None:
    site = make_site(request_timeout=1.0)

    async def main() -> None:
        await site.balancer("a", site.upstream("s1"))
        path, stream = "/?id=1&stream=2500", "Accept: text/event-stream\r\n"
        assert (await ask(site, path, "https", method, stream)).body == b"s1"
        with pytest.raises(asyncio.IncompleteReadError):
            await ask(site, path, "https", method)

    asyncio.run(main())


class Beats:
    """Where a server answers heartbeats."""

    def __init__(self, site: Site, name: str) -> None:
        self.path = site.paths.sockets / f"{name}.beat"
        self.status = 200

    async def __aenter__(self) -> "Beats":
        self.server = await asyncio.start_unix_server(self._answer, self.path)
        self.path.chmod(0o666)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"GET /-/seawall/health ")
        writer.write(f"HTTP/1.1 {self.status} x\r\nContent-Length: 0\r\n\r\n".encode())
        writer.close()


@pytest.mark.parametrize("dynamic", [False, True])
def test_heartbeats_on_a_socket_of_their_own(make_site: MakeSite, dynamic: bool) -> None:
    site = make_site(beats=True)

    async def main() -> None:
        servers = site.upstream("s1", "s2")
        async with Beats(site, "s1") as first, Beats(site, "s2"):
            runtime = await site.balancer("a", [] if dynamic else servers)
            for server in servers if dynamic else ():
                added = f"add server app_least-connections/{server.name} {added_server(site.edge, server)}"
                assert (await runtime.ask(added)).strip() == "New server registered."
                await runtime.ask(f"enable health app_least-connections/{server.name}")
                await site.step("enable", server.name, "least-connections")

            async def states(wanted: set[str]) -> None:
                async def reached() -> bool:
                    return {route.server for route in (await routes(site)).values() if route.status == "up"} == wanted

                await until(reached)

            await states({"s1", "s2"})
            first.status = 503
            await states({"s2"})
            assert (await ask(site, "/")).body == b"s2"
            first.status = 200
            await states({"s1", "s2"})

    asyncio.run(main())


def test_a_command_is_asked_where_it_listens(make_site: MakeSite) -> None:
    site = make_site(beats=True)
    assert " addr " not in added_server(site.edge, ServerAddress("s1", "127.0.0.1:9001"))
    assert " addr unix@/x/s1.beat" in added_server(site.edge, ServerAddress("s1", "unix@/x/s1.sock"))


def test_memory_limit() -> None:
    assert 10_000_000 < memory_limit() < 1 << 60
