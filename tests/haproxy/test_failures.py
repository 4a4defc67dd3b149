"""What visitors notice when servers die or freeze: nothing, and nothing is done twice."""

import asyncio
import signal
import subprocess
from collections.abc import Awaitable, Callable

import pytest

from tests.client import Load
from tests.haproxy.conftest import MakeSite
from tests.haproxy.site import Site, until

SERVERS = ("s1", "s2", "s3")


async def under_load(site: Site, fault: Callable[[], Awaitable[None]], seconds: float) -> tuple[Load, Load]:
    """Reading and sending visitors at once, and after a moment the fault."""
    read = Load(site.ports["http"], path="/?ms=20")
    send = Load(site.ports["http"], path="/?ms=20&id={id}", method="POST", body=b"x", visitors=10)

    async def later() -> None:
        await asyncio.sleep(0.3)
        await fault()

    await asyncio.gather(read.run(seconds), send.run(seconds), later())
    return read, send


def unharmed(site: Site, read: Load, send: Load) -> None:
    assert read.tally.failures == []
    assert read.tally.retried == 0
    # What was under way in the dead server is lost, and its sender is told so; and what takes the place of the first of
    # them, as the kernel closes a dying process's connections before the socket that takes new ones.
    assert set(send.tally.classes) <= {"200", "502"}
    assert len(send.tally.failures) <= site.edge.concurrency + 1
    assert site.doubled_posts() == []


@pytest.mark.parametrize("victims", [("s1",), ("s1", "s2")])
def test_killed_servers(site: Site, victims: tuple[str, ...]) -> None:
    async def main() -> None:
        await site.balancer("a", site.upstream(*SERVERS))

        async def kill() -> None:
            for victim in victims:
                site.upstreams[victim].kill()

        read, send = await under_load(site, kill, 1.0)
        assert read.tally.failures == []
        assert site.doubled_posts() == []
        if len(victims) == 1:
            unharmed(site, read, send)

    asyncio.run(main())


def test_frozen_server(site: Site) -> None:
    """HAProxy calls it down by itself; once the control plane kills it, its readers are answered by others."""

    async def main() -> None:
        runtime = await site.balancer("a", site.upstream(*SERVERS))

        async def down() -> bool:
            return any(route.status == "down" for route in (await runtime.word()).routes)

        async def freeze() -> None:
            site.upstreams["s1"].send_signal(signal.SIGSTOP)
            await until(down)
            site.upstreams["s1"].kill()

        unharmed(site, *await under_load(site, freeze, 2.0))

    asyncio.run(main())


def test_frozen_server_without_control_plane(make_site: MakeSite) -> None:
    """Only what it had begun is lost, when its time is up; everything later goes to the others."""
    site = make_site(request_timeout=1.5)

    async def main() -> None:
        await site.balancer("a", site.upstream(*SERVERS))

        async def freeze() -> None:
            site.upstreams["s1"].send_signal(signal.SIGSTOP)

        read, send = await under_load(site, freeze, 2.0)
        assert set(read.tally.classes + send.tally.classes) <= {"200", "504"}
        assert len(read.tally.failures + send.tally.failures) <= site.edge.concurrency
        assert site.doubled_posts() == []

    asyncio.run(main())


@pytest.mark.parametrize("protocol", ["--http1.1", "--http2"])
def test_no_client_sends_a_post_again(site: Site, protocol: str) -> None:
    """curl does, like browsers, when a kept-alive connection breaks; it must be given an answer instead."""

    async def main() -> None:
        await site.balancer("a", site.upstream("s1", "s2"))
        url = f"https://127.0.0.1:{site.ports['https']}/?id=1&ms="
        common = ("-s", "-k", protocol, "-o", "/dev/null", "-w", "%{http_code} ")
        curl = await asyncio.create_subprocess_exec(
            "curl", *common, f"{url}0", "--next", *common, "-d", "x", f"{url}2000", stdout=subprocess.PIPE
        )

        async def begun() -> bool:
            return site.journal.exists() and site.journal.read_text().endswith("\n")  # it is made before it is written

        await until(begun)
        site.upstreams[site.journal.read_text().split()[1]].kill()
        output, _ = await curl.communicate()
        assert output.split() == [b"200", b"502"]
        assert site.doubled_posts() == []

    asyncio.run(main())
