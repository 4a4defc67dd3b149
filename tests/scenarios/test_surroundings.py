"""The surroundings change under a running site: its folders are cleaned, moved, and both balancers hang unseen."""

import asyncio
import os
import shutil
import signal
import time
from pathlib import Path

from tests.client import Load, insecure
from tests.scenarios.site import Site, running, whole


async def served(site: Site, seconds: float = 0.3) -> Load:
    load = Load(site.https, visitors=4, path="/", tls=insecure(), pause=0.01)
    await load.run(seconds)
    return load


def test_the_runtime_folder_is_removed(tmp_path: Path) -> None:
    with running(Site.small(tmp_path)) as site:
        before = {**site.servers(), **site.balancers()}
        shutil.rmtree(site.paths.runtime)
        site.wait(lambda s: whole(s) and not set(before.values()) & {x["pid"] for x in s["servers"]}, 60.0)
        site.wait(lambda s: whole(s) and not set(before.values()) & {b["pid"] for b in s["balancers"]}, 60.0)
        assert "was cleaned while the site runs" in site.run("events", "-n", "500").stdout
        assert site.paths.processes.exists()
        load = asyncio.run(served(site))
        assert load.tally.failed == 0, load.tally.failures
        posts = Load(site.https, visitors=2, method="POST", path="/?id={id}", tls=insecure())
        asyncio.run(posts.run(0.3))
        assert posts.tally.failed == 0, posts.tally.failures
        assert "already up" in site.run("up", "-d").stderr
        assert site.run("down").returncode == 0


def test_the_runtime_folder_is_removed_and_the_control_plane_killed(tmp_path: Path) -> None:
    with running(Site.small(tmp_path)) as site:
        site.kill_control()
        shutil.rmtree(site.paths.runtime)
        refused = site.run("up", "--plain")
        assert refused.returncode == 1
        assert "the record of them is gone" in refused.stderr
        assert "seawall down" in refused.stderr
        assert site.run("down").returncode == 0
        site.up()


def test_no_control_plane_and_both_balancers_hang(tmp_path: Path) -> None:
    with running(Site.small(tmp_path)) as site:
        servers = site.servers()
        site.kill_control()
        for pid in site.balancers_on_record():
            os.kill(pid, signal.SIGSTOP)
        site.up()
        assert site.servers() == servers
        assert asyncio.run(served(site)).tally.failed == 0


def test_a_warm_process_that_hangs_is_not_taken_for_one_that_imports(tmp_path: Path) -> None:
    with running(Site.small(tmp_path)) as site:
        warm = site.status()["warm"]["pid"]
        servers = site.servers()
        site.kill_control()
        os.kill(warm, signal.SIGSTOP)
        for pid in servers.values():
            os.kill(pid, signal.SIGKILL)
        began = time.monotonic()
        site.up()
        assert time.monotonic() - began < 45, "it waited for start_timeout"
        assert asyncio.run(served(site)).tally.failed == 0
