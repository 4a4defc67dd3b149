"""`seawall down`: requests in flight are finished, and nothing else is waited for."""

import asyncio
import time
from pathlib import Path

from tests.client import Connection, insecure
from tests.scenarios.site import Site, in_flight, running


def test_a_request_in_flight_is_finished_and_an_idle_visitor_not_waited_for(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        idle, busy = (Connection("127.0.0.1", site.https, insecure()) for _ in range(2))
        await idle.request("GET", "/")
        idle_since = time.monotonic()
        answer = asyncio.create_task(busy.request("GET", "/?ms=1000"))
        await asyncio.to_thread(site.wait, in_flight(1))
        assert (await asyncio.to_thread(site.run, "down")).returncode == 0
        # HAProxy keeps an idle visitor's connection for 30 s.
        assert time.monotonic() - idle_since < 30
        assert (await answer).status == 200
        idle.close()

    with running(Site.small(tmp_path)) as site:
        asyncio.run(scenario(site))


def test_nothing_is_left_but_the_lock_and_the_logs(tmp_path: Path) -> None:
    with running(Site.small(tmp_path)) as site:
        assert site.run("down").returncode == 0
        left = [path for path in site.paths.runtime.rglob("*") if not path.is_dir()]
        assert left == [site.paths.control_lock]
        kept = {path.name for path in site.paths.state.iterdir()}
        assert kept - {".gitignore", "logs"} == {"certificate.pem", "journal.jsonl", "mark"}
        assert (site.paths.logs / "application.log").exists()
