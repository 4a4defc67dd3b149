"""How many requests a server works on at a time, changed on the running site under load."""

import asyncio
import os
import re
import signal
import time
from pathlib import Path

import pytest

from tests.client import Load, insecure
from tests.patience import until
from tests.scenarios.site import Site, running
from tests.scenarios.visitor import Visitor

# Each answer says how many requests its server was at, at most, since somebody asked for /anew.
WSGI = """
import threading, time
lock, now, most = threading.Lock(), 0, 0
def application(environ, start_response):
    global now, most
    with lock:
        now += 1
        most = now if environ["PATH_INFO"] == "/anew" else max(most, now)
    time.sleep(0.05)
    with lock:
        now -= 1
    body = str(most).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""
ASGI = """
import asyncio
now = most = 0
async def application(scope, receive, send):
    global now, most
    if scope["type"] != "http":
        return
    now += 1
    most = now if scope["path"] == "/anew" else max(most, now)
    await asyncio.sleep(0.05)
    now -= 1
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(most).encode()})
"""


@pytest.mark.parametrize(("kind", "code"), [("wsgi", WSGI), ("asgi", ASGI)])
def test_the_number_changes_without_a_failed_request(tmp_path: Path, kind: str, code: str) -> None:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "application.py").write_text(code)
    site = Site(folder, f'{kind} = "application:application"\n[servers]\nmin = 1\nconcurrency = 2\n')
    with running(site):
        visitor = Visitor(site.https)
        balancers, servers = site.balancers(), site.servers()
        load = Load(site.https, visitors=12, tls=insecure())

        async def main() -> None:
            work = asyncio.create_task(load.run(3600))
            try:
                await asyncio.to_thread(changes)
            finally:
                load.stop()
                await work

        def changes() -> None:
            until(lambda: most(visitor) == 2, "the number of the settings")
            for number in (8, 3):
                change(site, visitor, number)

        asyncio.run(main())
        assert load.tally.failures == []
        assert (site.balancers(), site.servers()) == (balancers, servers)  # nothing was replaced


def change(site: Site, visitor: Visitor, number: int) -> None:
    assert site.run("set", "servers.concurrency", str(number)).returncode == 0
    site.wait(lambda state: settled(state, number))

    def followed() -> bool:
        """What was at work before the change may go on for a moment."""
        visitor.get("/anew")
        time.sleep(0.3)
        return most(visitor) == number

    until(followed, f"{number} at a time")


def most(visitor: Visitor) -> int:
    return int(visitor.get("/").text)


def settled(state: dict[str, object], number: int) -> bool:
    servers = state["servers"]
    assert isinstance(servers, list)
    return state["concurrency"] == number and all(server["slots"] == number for server in servers)


def test_it_is_kept_by_what_comes_later(tmp_path: Path) -> None:
    """A new control plane, new balancers and new servers; and none of them begins anew because of it."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "application.py").write_text(WSGI)
    site = Site(folder, 'wsgi = "application:application"\n[servers]\nmin = 1\nconcurrency = 2\n')
    with running(site):
        site.run("set", "servers.concurrency", "5")
        site.wait(lambda state: settled(state, 5))
        site.kill_control()
        site.up()
        assert settled(site.status(), 5)
        balancers = site.balancers()
        site.run("restart", "all")
        before = set(site.servers())
        site.wait(lambda state: settled(state, 5) and not before & {server["name"] for server in state["servers"]})
        site.recovered()
        assert site.balancers() == balancers
        for pid in balancers.values():
            os.kill(pid, signal.SIGKILL)
        site.wait(lambda state: not set(site.balancers().values()) & set(balancers.values()))
        site.recovered()
        load = Load(site.https, visitors=12, tls=insecure())
        asyncio.run(load.run(1))
        assert load.tally.failures == []
        assert most(Visitor(site.https)) == 5


def test_slow_uploads_never_get_all_places_of_a_lower_number(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "application.py").write_text(WSGI)
    site = Site(folder, 'wsgi = "application:application"\n[servers]\nmin = 2\nconcurrency = 8\n')
    with running(site):
        load = Load(site.https, visitors=6, tls=insecure())
        before, servers = site.balancers().values(), site.servers()
        assert shares(site) == {"uploads": 4, "several": 10}

        async def main() -> None:
            work = asyncio.create_task(load.run(3600))
            try:
                await asyncio.to_thread(site.run, "set", "servers.concurrency", "2")
                await asyncio.to_thread(site.wait, lambda _: not {*site.balancers().values()} & {None, *before})
                await asyncio.to_thread(site.recovered)
            finally:
                load.stop()
                await work

        asyncio.run(main())
        assert load.tally.failures == []
        assert sum(shares(site).values()) < 4
        assert site.servers() == servers
        balancers = site.balancers()
        site.kill_control()
        site.up()
        assert (site.balancers(), site.status()["concurrency"]) == (balancers, 2)


def shares(site: Site) -> dict[str, int]:
    """Places that slow uploads may hold, in the configuration of both balancers."""
    found = [
        dict(re.findall(r"server (uploads|several) .* maxconn ([0-9]+)", site.paths.balancer_config(name).read_text()))
        for name in ("a", "b")
    ]
    assert found[0] == found[1]
    return {name: int(most) for name, most in found[0].items()}
