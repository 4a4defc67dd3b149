"""A balancer that is to finish, whoever told it to, costs no visitor a request; nor does who is killed meanwhile."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.client import Answer, Connection, insecure
from tests.patience import PATIENCE
from tests.scenarios.site import SEAWALL, Site, in_flight, running, whole
from tests.scenarios.test_survival import fell, load, no_post_twice


def change(site: Site, seconds: int) -> None:
    """Another setting of the balancers."""
    site.write(f'wsgi = "application:application"\n[servers]\nqueue_timeout = {seconds}\n')


def replaced(site: Site, *before: int) -> None:
    """Another control plane, and afterwards other balancers."""
    done = site.run("up", "--replace", "-d")
    assert done.returncode == 0, done.stderr
    site.control = None
    others(site, *before)


def others(site: Site, *before: int) -> None:
    """Wait until these processes are gone and have their successors."""
    site.wait(lambda _: fell(site, list(before)))
    site.wait(whole)


def connection(site: Site) -> Connection:
    return Connection("127.0.0.1", site.https, insecure())


async def slow(site: Site, milliseconds: int) -> "asyncio.Task[Answer]":
    """A request that a server is working on."""
    answer = asyncio.create_task(connection(site).request("GET", f"/?ms={milliseconds}"))
    await asyncio.to_thread(site.wait, in_flight(1))
    return answer


def test_a_visitor_of_a_retired_balancer_may_post_on_his_connection(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        active = site.balancers()["active"]
        kept, held = connection(site), await slow(site, 6000)
        assert (await kept.request("POST", "/?id=1")).status == 200
        change(site, 21)
        assert (await asyncio.to_thread(site.run, "up", "--replace", "-d")).returncode == 0
        site.control = None
        await asyncio.to_thread(site.wait, lambda _: site.paths.runtime.joinpath("once-a.sock").is_symlink())
        await asyncio.sleep(0.5)
        assert site.balancers()["spare"] == active, "it has visitors"
        assert (await kept.request("POST", "/?id=2")).status == 200
        assert (await held).status == 200
        await asyncio.to_thread(others, site, active)
        assert not site.paths.runtime.joinpath("once-a.sock").is_symlink(), "the new one has its own"
        assert sorted(site.posts()) == ["1", "2"]

    with running(Site.small(tmp_path)) as site:
        asyncio.run(scenario(site))


def test_another_setting_costs_no_request(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        async with load(site) as (gets, posts):
            for seconds in (21, 22, 23):
                change(site, seconds)
                await asyncio.to_thread(replaced, site, *site.balancers().values())
        assert gets.failed == posts.failed == 0, gets.failures + posts.failures
        assert posts.ok > 10
        no_post_twice(site, posts)

    with running(Site.small(tmp_path)) as site:
        asyncio.run(scenario(site))


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGTTOU], ids=["finish", "pause"])
@pytest.mark.parametrize("roles", [["active"], ["spare"], ["active", "spare"]], ids="-".join)
def test_one_that_somebody_else_told_to_finish_is_replaced(
    tmp_path: Path, roles: list[str], number: signal.Signals
) -> None:
    async def scenario(site: Site) -> None:
        told = [site.balancers()[role] for role in roles]
        held = await slow(site, 4000)
        for pid in told:
            os.kill(pid, number)
        # Who came before the takeover waits in the old one's socket until that has ended.
        await asyncio.to_thread(site.wait, lambda _: site.balancers()["active"] not in told)
        async with asyncio.timeout(PATIENCE):
            assert (await connection(site).request("GET", "/")).status == 200
        if len(roles) == 1:  # of two the one that visitors would miss less is killed
            assert not held.done(), "only when the old one had ended"
            assert (await held).status == 200
        held.cancel()
        await asyncio.to_thread(others, site, *told)

    with running(Site.small(tmp_path)) as site:
        asyncio.run(scenario(site))


def test_down_after_an_interrupted_down_waits_for_requests(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        site.kill_control()
        answer = asyncio.create_task(connection(site).request("GET", "/?ms=5000"))
        await asyncio.sleep(1.0)
        first = subprocess.Popen([*SEAWALL, "-C", str(site.folder), "down"], stderr=subprocess.DEVNULL)
        await asyncio.to_thread(finishes, site)
        first.send_signal(signal.SIGINT)
        await asyncio.to_thread(first.wait)
        assert not answer.done()
        assert (await asyncio.to_thread(site.run, "down")).returncode == 0
        assert (await answer).status == 200

    with running(Site.small(tmp_path)) as site:
        asyncio.run(scenario(site))


def test_down_whose_control_plane_is_killed_waits_for_requests(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        answer = await slow(site, 5000)
        down = asyncio.create_task(asyncio.to_thread(site.run, "down"))
        await asyncio.to_thread(finishes, site)
        site.kill_control()
        assert (await down).returncode == 0
        assert (await answer).status == 200

    with running(Site.small(tmp_path)) as site:
        asyncio.run(scenario(site))


def test_a_control_plane_that_is_killed_leaves_a_retiring_balancer_to_the_next(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        active = site.balancers()["active"]
        answer = await slow(site, 7000)
        change(site, 21)
        assert (await asyncio.to_thread(site.run, "up", "--replace", "-d")).returncode == 0
        site.control = None
        await asyncio.to_thread(site.wait, lambda _: site.balancers()["spare"] == active)
        await asyncio.to_thread(finishes, site)
        os.kill(site.status()["control"]["pid"], signal.SIGKILL)
        assert (await asyncio.to_thread(site.run, "up", "-d")).returncode == 0
        assert not answer.done()
        assert (await answer).status == 200
        await asyncio.to_thread(others, site, active)

    with running(Site.small(tmp_path)) as site:
        asyncio.run(scenario(site))


def finishes(site: Site) -> None:
    """Wait until balancer a was told to finish, which it writes down."""
    log = site.paths.logs / "balancer-a.log"
    until(lambda: "Proxy once stopped" in log.read_text())


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
