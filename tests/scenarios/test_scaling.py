"""A real site under load: servers come at once, go later, and nobody's request fails."""

import asyncio
import re
import threading
from pathlib import Path

from tests.client import Load
from tests.scenarios.site import Site, running

SETTINGS = "[servers]\nmin = 1\nmax = 4\nhold = 1\n[https]\nredirect = false\n"


class Crowd:
    """People who ask for pages of 0.1 s in a thread of their own, until the end of the block."""

    def __init__(self, site: Site, visitors: int) -> None:
        self.load = Load(site.http, visitors=visitors, path="/?ms=100")
        self._thread = threading.Thread(target=lambda: asyncio.run(self.load.run(60)))

    def __enter__(self) -> Load:
        self._thread.start()
        return self.load

    def __exit__(self, *_: object) -> None:
        self.load.stop()
        self._thread.join()


def test_servers_come_with_the_load_and_go_when_it_has_gone(tmp_path: Path) -> None:
    with running(Site.small(tmp_path, SETTINGS)) as site:
        assert site.status()["wanted"] == 1
        with Crowd(site, 20) as load:
            state = site.wait(lambda s: sum(server["state"] == "up" for server in s["servers"]) >= 3)
            assert re.search(r"requests in service, [\d.]+/s of [\d.]+ s each need \d servers?", state["why"])
            assert (state["min"], state["max"]) == (1, 4)
            assert re.search(r"load +\d+ requests in service, \d+ queued; read ", site.run("explain").stdout)
        site.wait(lambda s: s["wanted"] == len(s["servers"]) == 1)
        assert (load.tally.failures, load.tally.retried) == ([], 0)
        told = site.run("events", "-n", "400").stdout
        assert re.search(r"scale-up +site +from 1 to \d: [\d.]+ requests in service", told)
        assert re.search(r"scale-down +site +from 2 to 1: no more than 1 was needed in the last 1 s", told)


def test_the_number_outlives_the_control_plane(tmp_path: Path) -> None:
    """It is there at once, and stays until the next one has seen for itself that it is not needed."""
    with running(Site.small(tmp_path, SETTINGS.replace("hold = 1\n", "hold = 600\n"))) as site:
        with Crowd(site, 20):
            site.wait(lambda s: s["wanted"] >= 3)
        wanted = site.status()["wanted"]
        site.kill_control()
        site.up()
        assert site.status()["wanted"] == wanted


def test_an_operator_bounds_the_number_while_the_site_runs(tmp_path: Path) -> None:
    with running(Site.small(tmp_path, SETTINGS.replace("hold = 1\n", "hold = 600\n"))) as site:
        with Crowd(site, 20) as load:
            site.wait(lambda s: len(s["servers"]) >= 3)
            assert site.run("set", "servers.max", "2").returncode == 0
            site.wait(lambda s: len(s["servers"]) == s["wanted"] == 2)
        assert load.tally.failures == []
        for key, value in (("servers.max", "6"), ("servers.min", "3")):
            assert site.run("set", key, value).returncode == 0
        site.wait(lambda s: len(s["servers"]) == s["wanted"] == 3)
        refused = site.run("set", "servers.max", "2")
        assert (refused.returncode, "servers.min" in refused.stderr) == (2, True)


BURNS = """
import time
def application(environ, start_response):
    end = time.thread_time() + 0.05
    while time.thread_time() < end:
        pass
    start_response("200 OK", [("Content-Length", "0")])
    return []
"""


def test_as_long_as_more_servers_would_not_help_status_says_so(tmp_path: Path) -> None:
    with running(Site.small(tmp_path, SETTINGS.replace("min = 1", "min = 2")), start=False) as site:
        (site.folder / "application.py").write_text(BURNS)
        site.up()
        with Crowd(site, 40):
            site.wait(lambda s: "more servers would only share them" in s["trouble"])
            assert "more servers would only share them" in " ".join(site.run("status").stdout.split())
        site.wait(lambda s: s["trouble"] == "")
