"""Two balancers on one port: steering, death, and adoption by the next control plane."""

import asyncio
import json
import os
import pickle
import signal
import subprocess
import sys
from typing import Any

import pytest

from seawall.haproxy.listeners import Listeners
from seawall.model import BALANCERS, BalancerName
from seawall.process import Process
from tests.client import Connection, Load, insecure
from tests.haproxy.site import Site


async def both(site: Site) -> None:
    servers = site.upstream("s1", "s2")
    await site.balancer("a", servers)
    await site.balancer("b", servers)


async def visits(site: Site, count: int = 20) -> dict[str, int]:
    """Which balancer was given how many of `count` new connections."""
    before = {name: await requests(site, name) for name in BALANCERS}
    for _ in range(count):
        connection = Connection("127.0.0.1", site.ports["http"], None)
        assert (await connection.request("GET", "/")).status == 200
        connection.close()
    return {name: await requests(site, name) - before[name] for name in BALANCERS}


async def requests(site: Site, name: BalancerName) -> int:
    if site.balancers[name].alive:
        return (await site.runtime(name).traffic()).requests
    return 0


def test_steering(site: Site) -> None:
    async def main() -> None:
        await both(site)
        assert await visits(site) == {"a": 20, "b": 0}
        load = Load(site.ports["http"], path="/?ms=5")

        async def steer() -> None:
            for name in ("b", "a", "b"):
                await asyncio.sleep(0.1)
                site.listeners.steer(name)

        await asyncio.gather(load.run(0.5), steer())
        assert load.tally.failures == []
        assert site.listeners.active == "b"
        assert await visits(site) == {"a": 0, "b": 20}

    asyncio.run(main())


def test_active_balancer_killed(site: Site) -> None:
    """The next control plane would do the same: steer, and start a new one on the old socket."""

    async def main() -> None:
        await both(site)
        load = Load(site.ports["http"], path="/?ms=5", visitors=50)

        async def kill() -> None:
            await asyncio.sleep(0.2)
            active = site.balancers["a"]
            active.signal(signal.SIGKILL)
            site.listeners.steer("b")
            await asyncio.to_thread(os.waitid, os.P_PIDFD, active.pidfd, os.WEXITED)
            await site.balancer("a", [site.address("s1"), site.address("s2")])

        await asyncio.gather(load.run(0.8), kill())
        assert load.tally.failures == []
        assert await visits(site) == {"a": 0, "b": 20}

    asyncio.run(main())


PARENT = """
import asyncio, json, pickle, sys
from seawall.haproxy.listeners import Listeners
from tests.haproxy.site import Site

async def main():
    paths, edge, ports, active = pickle.load(sys.stdin.buffer)
    site = Site(paths, edge, ports, Listeners.open("127.0.0.1", ports))
    for name in ("a", "b"):
        await site.balancer(name, [site.address("s1")])
    site.listeners.steer(active)
    pids = {name: process.pid for name, process in site.balancers.items()}
    print(json.dumps([pids, site.listeners.to_record()]), flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def left_behind(site: Site, active: BalancerName) -> dict[str, Any]:
    """Both balancers, started by a control plane that was then killed. Returns its record of the listeners."""
    site.listeners.close()
    handed = pickle.dumps((site.paths, site.edge, site.ports, active))
    with subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        parent.stdin.write(handed)
        parent.stdin.close()
        pids, record = json.loads(parent.stdout.readline())
        parent.kill()
    for name, pid in pids.items():
        adopted = Process.adopt(pid)
        assert adopted is not None
        site.balancers[name] = adopted
    assert isinstance(record, dict)
    return record


@pytest.mark.parametrize("active", BALANCERS)
@pytest.mark.parametrize("dead", [None, *BALANCERS])
def test_adoption(site: Site, active: BalancerName, dead: BalancerName | None) -> None:
    site.upstream("s1")
    record = left_behind(site, active)

    async def main() -> None:
        load = Load(site.ports["https"], path="/?ms=5", tls=insecure())

        async def adopt() -> None:
            await asyncio.sleep(0.1)
            if dead:
                site.balancers[dead].signal(signal.SIGKILL)
                await asyncio.sleep(0.1)
            living = {name: site.balancers[name] for name in BALANCERS if name != dead}
            site.listeners = Listeners.from_record(record, living)
            if dead:
                await site.balancer(dead, [site.address("s1")])

        await asyncio.gather(load.run(0.6), adopt())
        assert load.tally.failures == []
        expected = active if active != dead else next(name for name in BALANCERS if name != dead)
        assert site.listeners.active == expected
        for name in (expected, *BALANCERS):
            site.listeners.steer(name)
            assert (await visits(site, 10))[name] == 10

    asyncio.run(main())


def test_retired_spare_makes_room(site: Site) -> None:
    """A new configuration: the spare goes, its successor comes on the same socket and is made the active one."""

    async def main() -> None:
        await both(site)
        load = Load(site.ports["http"], path="/?ms=5")

        async def retire() -> None:
            for name in reversed(BALANCERS):
                spare = site.balancers[name]
                spare.signal(signal.SIGUSR1)
                await asyncio.to_thread(os.waitid, os.P_PIDFD, spare.pidfd, os.WEXITED)
                await site.balancer(name, [site.address("s1"), site.address("s2")])
                site.listeners.steer(name)

        await asyncio.gather(load.run(1.0), retire())
        assert load.tally.failures == []

    asyncio.run(main())
