"""Applications that fail, hang and die while they serve: said, contained, and whole again when they heal."""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from tests.client import Answer, Connection, Load, insecure
from tests.patience import PATIENCE, starved
from tests.scenarios.site import Site, running, whole

# The warm-up is spared: what is tested is a site that serves.
APPLICATION = """
import os, time
count = 0
def application(environ, start_response):
    global count
    if environ.get("HTTP_USER_AGENT") != "seawall warm-up":
        count += 1
        {fault}
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""


@contextlib.contextmanager
def faulty(tmp_path: Path, fault: str, settings: str = "") -> Iterator[Site]:
    site = Site.small(tmp_path, settings)
    (site.folder / "application.py").write_text(APPLICATION.replace("{fault}", fault))
    with running(site):
        yield site


async def get(site: Site, path: str = "/") -> tuple[Answer, float]:
    """The answer, and the seconds it took."""
    connection = Connection("127.0.0.1", site.https, insecure())
    started = time.monotonic()
    async with asyncio.timeout(PATIENCE):
        answer = await connection.request("GET", path)
    connection.close()
    return answer, time.monotonic() - started


def test_answers_of_500_are_passed_through(tmp_path: Path) -> None:
    """The heartbeat asks the server, not the application: a broken page is no reason to kill anybody."""

    async def scenario(site: Site) -> None:
        before = site.servers()
        load = Load(site.https, visitors=4, tls=insecure())
        await load.run(1.5)
        assert set(load.tally.classes) == {"500"}
        assert load.tally.failed > 20
        assert site.servers() == before

    with faulty(tmp_path, "raise RuntimeError('every view')") as site:
        asyncio.run(scenario(site))
        assert "RuntimeError: every view" in site.run("logs").stdout


def test_every_view_hangs(tmp_path: Path) -> None:
    """504 after the request timeout; nobody waits longer than queue and request may; stuck servers are replaced."""

    async def scenario(site: Site) -> None:
        before, starved_before = site.servers(), starved()
        answers = await asyncio.gather(*(get(site) for _ in range(8)))
        assert {answer.status for answer, _ in answers} <= {503, 504}
        assert 504 in {answer.status for answer, _ in answers}
        assert max(seconds for _, seconds in answers) < 6 * max(starved_before, starved())
        await asyncio.to_thread(site.wait, lambda s: whole(s) and not {x["name"] for x in s["servers"]} & set(before))

    settings = "[servers]\nconcurrency = 1\nrequest_timeout = 1\nqueue_timeout = 1\n"
    with faulty(tmp_path, "time.sleep(3600)", settings) as site:
        asyncio.run(scenario(site))


def test_one_view_hangs_and_the_others_do_not_notice(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        starved_before = starved()
        load = Load(site.https, visitors=4, tls=insecure(), pause=0.02)
        others = asyncio.create_task(load.run(4))
        stuck = await asyncio.gather(*(get(site, "/hang") for _ in range(3)))
        assert [answer.status for answer, _ in stuck] == [504] * 3
        await others
        assert load.tally.failed == 0, load.tally.failures
        assert load.tally.percentile(0.99) < max(starved_before, starved())

    settings = "[servers]\nrequest_timeout = 2\n"
    with faulty(tmp_path, "if environ['PATH_INFO'] == '/hang': time.sleep(3600)", settings) as site:
        asyncio.run(scenario(site))


def test_servers_that_die_after_three_requests(tmp_path: Path) -> None:
    """They are replaced at once, since each serves for a while, which is said; healed code heals the site."""

    async def visitors(site: Site, seconds: float) -> Load:
        load = Load(site.https, visitors=4, tls=insecure(), pause=0.05)
        await load.run(seconds)
        return load

    with faulty(tmp_path, "if count > 3 and not os.path.exists('healed'): os._exit(5)") as site:
        asyncio.run(visitors(site, 2.5))
        site.wait(lambda s: "servers died at their work" in s["trouble"])
        assert "servers died at their work" in " ".join(site.run("status").stdout.split())
        events = site.run("events", "-n", "500").stdout
        assert "within 10 s, the last one: exit code 5. What they say: seawall logs" in events
        assert "next try in" not in events
        (site.folder / "healed").touch()
        # What ended two servers is refused for a while, unless other code may have cured it.
        old = set(site.servers())
        assert site.run("restart", "all").returncode == 0
        site.wait(lambda s: whole(s) and not s["trouble"] and not old & {x["name"] for x in s["servers"]})
        assert asyncio.run(visitors(site, 0.5)).tally.failed == 0
