"""A newer Seawall takes over the site that an older one started: tested from 0.1.0, kept as it was."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.site import Site, running, whole
from tests.scenarios.test_survival import load, no_post_twice

KEPT = Path(__file__).parent.parent / "versions" / "seawall-0.1.0.tar.xz"


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Site]:
    """A site that Seawall 0.1.0 has started in the background."""
    with tarfile.open(KEPT) as archive:
        archive.extractall(tmp_path / "0.1.0", filter="data")
    site = Site.small(tmp_path)
    settings = site.folder / "seawall.toml"
    settings.write_text(settings.read_text().replace("[servers]\nmax = 2\n", ""))  # it knows no such setting
    with running(site, start=False):
        environment = {**os.environ, "PYTHONPATH": str(tmp_path / "0.1.0")}
        command = [sys.executable, "-m", "seawall", "-C", str(site.folder), "up", "-d"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        site.wait(whole, 60.0)
        yield site


def test_the_control_plane_is_replaced_and_nothing_else(old: Site) -> None:
    async def scenario() -> None:
        servers = old.servers()
        async with load(old) as (gets, posts):
            done = await asyncio.to_thread(old.run, "up", "--replace", "-d")
            assert done.returncode == 0, done.stderr
            state = await asyncio.to_thread(old.wait, whole, 40.0)
            assert {s["name"]: s["pid"] for s in state["servers"]} == servers
            # From now on servers come from a warm process of the new one.
            assert (await asyncio.to_thread(old.run, "restart", "all")).returncode == 0
            await asyncio.to_thread(old.wait, lambda s: whole(s) and not set(old.servers()) & set(servers), 40.0)
        assert gets.failed == posts.failed == 0, gets.failures + posts.failures
        assert posts.ok > 10
        no_post_twice(old, posts)

    asyncio.run(scenario())


def test_the_verbs_of_the_new_one_reach_the_old_one(old: Site) -> None:
    shown = old.run("status")
    assert shown.returncode == 0, shown.stderr
    assert "s1" in shown.stdout
    assert old.run("events").returncode == 0
    done = old.run("down")
    assert (done.returncode, done.stdout) == (0, "stopped\n")


def test_a_record_of_a_newer_one_is_not_touched(old: Site) -> None:
    control = old.status()["control"]["pid"]
    os.kill(control, signal.SIGKILL)
    servers = json.loads(old.paths.processes.read_text())["servers"]
    record = {**json.loads(old.paths.processes.read_text()), "version": 99}
    old.paths.processes.write_text(json.dumps(record))
    refused = old.run("up", "--plain")
    assert refused.returncode == 1
    assert "newer Seawall" in refused.stderr
    assert json.loads(old.paths.processes.read_text()) == record
    assert all(Path(f"/proc/{server['pid']}").exists() for server in servers)
    old.paths.processes.write_text(json.dumps({**record, "version": 0}))
