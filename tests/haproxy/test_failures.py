"""What visitors notice when servers and balancers die: nothing."""

import asyncio

from tests.client import Load
from tests.haproxy.site import Site

SERVERS = ("s1", "s2", "s3")


async def _under_load(site: Site, faults, seconds: float = 1.5) -> tuple[Load, Load]:  # type: ignore[no-untyped-def]
    """Reading and sending visitors at once, while `faults` happens."""
    read = Load(site.ports["http"], path="/?ms=20")
    send = Load(site.ports["http"], path="/?ms=20&id={id}", method="POST", body=b"x", visitors=10)
    await asyncio.gather(read.run(seconds), send.run(seconds), faults())
    return read, send


def test_killed_server(site: Site) -> None:
    async def main() -> None:
        await site.balancer("a", site.upstream(*SERVERS))

        async def kill() -> None:
            await asyncio.sleep(0.5)
            site.upstreams["s1"].kill()

        read, send = await _under_load(site, kill)
        assert read.tally.failures == []
        assert read.tally.retried == 0
        assert site.doubled_posts() == []
        print(send.tally.classes)

    asyncio.run(main())
