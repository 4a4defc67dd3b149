"""Whatever is killed or hangs, under constant load from a real client: no page fails, no POST is executed twice."""

import asyncio
import contextlib
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.client import Load, Tally, insecure
from tests.scenarios.site import Site, running

KILL, STOP = signal.SIGKILL, signal.SIGSTOP
Victims = Callable[[Site], list[int]]


def one_server(site: Site) -> list[int]:
    return list(site.servers().values())[:1]


def all_servers(site: Site) -> list[int]:
    """Both: until new ones are there, visitors have to wait in the balancer."""
    return list(site.servers().values())


def active(site: Site) -> list[int]:
    return [site.balancers()["active"]]


def spare(site: Site) -> list[int]:
    return [site.balancers()["spare"]]


def warm(site: Site) -> list[int]:
    return [site.status()["warm"]["pid"]]


@contextlib.asynccontextmanager
async def load(site: Site) -> AsyncIterator[tuple[Tally, Tally]]:
    """Constant GETs and POSTs from before to after; gives their tallies, complete when the block is left."""
    tls = insecure()
    gets = Load(site.https, visitors=12, path="/?ms=5", tls=tls, pause=0.02)
    posts = Load(site.https, visitors=4, method="POST", path="/?ms=5&id={id}", tls=tls, pause=0.02)
    work = asyncio.gather(gets.run(3600), posts.run(3600))
    await asyncio.sleep(0.5)
    try:
        yield gets.tally, posts.tally
        await asyncio.sleep(0.5)
    finally:
        gets.stop()
        posts.stop()
        await work


async def rate(tally: Tally) -> int:
    """Pages in one second."""
    before = tally.ok
    await asyncio.sleep(1.0)
    return tally.ok - before


def fell(site: Site, victims: list[int]) -> bool:
    """Whether none of the victims is part of the site any more."""
    state = site.status()
    pids = {each["pid"] for each in (*state["servers"], *state["balancers"], state["warm"] or {"pid": 0})}
    return not pids & set(victims)


async def strike(site: Site, victims: list[int], number: signal.Signals) -> float:
    """Signal all at once; seconds until they are replaced and everything is as wanted."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    for pid in victims:
        os.kill(pid, number)
    await asyncio.to_thread(site.wait, lambda _: fell(site, victims))
    await asyncio.to_thread(site.recovered)
    return loop.time() - began


def no_post_twice(site: Site, posts: Tally) -> None:
    executed = Counter(site.posts())
    assert max(executed.values()) == 1, "a POST was executed twice"
    assert set(posts.posted) <= set(executed), "a POST was confirmed but not executed"


@pytest.mark.parametrize("number", [KILL, STOP], ids=["kill", "stop"])
@pytest.mark.parametrize("choose", [one_server, all_servers, active, spare, warm], ids=lambda f: f.__name__)
def test_no_get_fails(
    tmp_path: Path, choose: Victims, number: signal.Signals, record_property: Callable[..., None]
) -> None:
    async def scenario(site: Site) -> None:
        victims = choose(site)
        async with load(site) as (gets, posts):
            seconds = await strike(site, victims, number)
        record_property("recovery_seconds", seconds)
        print(f"{choose.__name__} {number.name}: whole again after {seconds:.2f} s, {gets.ok} GETs, {posts.ok} POSTs")
        assert gets.ok > 50
        # A balancer takes the requests in flight on it along: at most what the visitors had open.
        allowed = 12 if choose is active else 0
        assert gets.failed <= allowed, gets.failures
        no_post_twice(site, posts)

    with running(Site.small(tmp_path)) as site:
        asyncio.run(scenario(site))


@pytest.mark.parametrize("also_active", [False, True], ids=["control", "control and active"])
def test_the_control_plane_may_die(tmp_path: Path, also_active: bool) -> None:
    async def scenario(site: Site) -> None:
        servers, balancers = site.servers(), site.balancers()
        async with load(site) as (gets, posts):
            if also_active:
                os.kill(balancers["active"], KILL)
            await asyncio.to_thread(site.kill_control)
            await asyncio.sleep(1.0)
            assert await rate(gets) > 0, "traffic does not go on without the control plane"
            await asyncio.to_thread(site.up)
            assert site.servers() == servers, "the servers were not adopted"
            if also_active:
                assert site.balancers()["active"] == balancers["spare"]
            else:
                assert site.balancers() == balancers
        assert gets.failed <= (12 if also_active else 0), gets.failures
        no_post_twice(site, posts)

    with running(Site.small(tmp_path)) as site:
        asyncio.run(scenario(site))


def test_a_second_balancer_may_die_after_the_control_plane(tmp_path: Path) -> None:
    """The kernel gives the visitors to the spare by itself; a new control plane finds one balancer and adds another."""

    async def scenario(site: Site) -> None:
        await asyncio.to_thread(site.kill_control)
        async with load(site) as (gets, _):
            os.kill(site_active, KILL)
            await asyncio.sleep(0.5)
            await asyncio.to_thread(site.up)
            await strike(site, active(site), KILL)
            await strike(site, active(site), STOP)
        assert gets.failed <= 3 * 12, gets.failures
        assert gets.ok > 100

    with running(Site.small(tmp_path)) as site:
        site_active = site.balancers()["active"]
        asyncio.run(scenario(site))


def test_a_hung_server_while_the_control_plane_is_dead(tmp_path: Path) -> None:
    """The balancer finds it by itself; the next control plane replaces it."""

    async def scenario(site: Site) -> None:
        victim = one_server(site)
        await asyncio.to_thread(site.kill_control)
        async with load(site) as (gets, posts):
            usual = await rate(gets)
            os.kill(victim[0], STOP)
            await asyncio.sleep(2.5)
            assert await rate(gets) > usual / 4, "visitors are still sent to the hung server"
            await asyncio.to_thread(site.up)
        assert gets.failed == 0, gets.failures
        no_post_twice(site, posts)

    with running(Site.small(tmp_path)) as site:
        asyncio.run(scenario(site))


def test_everything_killed_at_once(tmp_path: Path) -> None:
    with running(Site.small(tmp_path)) as site:
        state = site.status()
        pids = [each["pid"] for each in (*state["servers"], *state["balancers"], state["warm"])]
        site.kill_control()
        for pid in pids:
            os.kill(pid, KILL)
        site.up()
        assert not set(pids) & {*site.servers().values(), *site.balancers().values()}


def failed(state: dict[str, Any]) -> bool:
    return any(event["kind"] == "application-failed" for event in state["events"])


def test_restart_all_brings_changed_code_in_and_broken_code_not(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        application = site.folder / "application.py"
        code = application.read_text()
        old = site.servers()
        async with load(site) as (gets, _):
            application.write_text("import nothing_of_this_name\n")
            assert (await asyncio.to_thread(site.run, "restart", "all")).returncode == 0
            await asyncio.to_thread(site.wait, failed)
            assert site.servers() == old, "servers were replaced by nothing"
            application.write_text(code.replace('f"pid ', 'f"new pid '))
            await asyncio.to_thread(site.wait, lambda state: not {s["name"] for s in state["servers"]} & set(old))
            await asyncio.to_thread(site.recovered)
        assert gets.failed == 0, gets.failures
        assert any(body.startswith(b"new pid") for body in gets.bodies)

    with running(Site.small(tmp_path)) as site:
        asyncio.run(scenario(site))
