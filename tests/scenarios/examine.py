"""What must hold for every application, whatever it is: both HTTP versions, and no failure when a server dies."""

import asyncio
import http.client
import os
import shutil
import signal
from pathlib import Path

from tests.client import Load, Tally, insecure
from tests.patience import PATIENCE
from tests.scenarios.site import Site
from tests.scenarios.visitor import Visitor, get_h2

EXAMPLES = Path(__file__).parents[2] / "examples"
APPLICATIONS = Path(__file__).with_name("applications")
NOT_COPIED = ("__pycache__", ".seawall", ".ruff_cache", "*.sqlite3*", "node_modules", "mail")


def copied(source: Path, folder: Path) -> Path:
    """A copy of an application without what it made when it ran elsewhere."""
    return Path(shutil.copytree(source, folder, symlinks=True, ignore=shutil.ignore_patterns(*NOT_COPIED)))


def site_of(source: Path, tmp_path: Path, settings: str = "") -> Site:
    """A site with a copy of the application, and what its own seawall.toml says or `settings` says instead."""
    folder = copied(source, tmp_path / "site")
    return Site(folder, settings or (folder / "seawall.toml").read_text())


def serves(site: Site, path: str = "/") -> None:
    """The page comes over HTTP/1.1 and HTTP/2; plain HTTP leads to it."""
    page = Visitor(site.https).get(path)
    assert page.status == 200, page.text
    assert page.body
    status, body = get_h2(site.https, path)
    assert status == 200
    assert body
    plain = http.client.HTTPConnection("127.0.0.1", site.http, timeout=PATIENCE)
    plain.request("GET", f"{path}?a=b", headers={"Host": f"localhost:{site.http}"})
    answer = plain.getresponse()
    assert (answer.status, answer.getheader("Location")) == (308, f"https://localhost:{site.https}{path}?a=b")
    plain.close()


def survives_a_death(site: Site, path: str = "/", headers: str = "") -> Tally:
    """A server killed under light load: no GET fails, and another takes its place."""
    load = Load(site.https, visitors=4, path=path, headers=headers, tls=insecure(), pause=0.03)
    victim = next(iter(site.servers().values()))

    async def scenario() -> None:
        work = asyncio.create_task(load.run(60))
        await asyncio.sleep(0.3)
        os.kill(victim, signal.SIGKILL)
        await asyncio.to_thread(replaced, site, victim)
        await asyncio.sleep(0.2)
        load.stop()
        await work

    asyncio.run(scenario())
    assert load.tally.failed == 0, load.tally.failures
    assert load.tally.ok > 10
    return load.tally


def replaced(site: Site, victim: int) -> None:
    """Wait until the process killed is no server any more and everything is as wanted again."""
    site.wait(lambda state: victim not in {server["pid"] for server in state["servers"]})
    site.recovered()
