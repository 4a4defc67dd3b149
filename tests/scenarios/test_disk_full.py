"""A full disk, under the state folder or the folder of sockets: said once, survived, and over when there is room."""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from seawall.control.journal import read
from tests.client import Load, insecure
from tests.scenarios.site import Site, processes_of, running

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system")


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
        folder.rmdir()


def fill(folder: Path) -> Path:
    """Until not a byte is left. Returns what to remove to make room."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65536, 4096, 64, 1):
            with contextlib.suppress(OSError):
                while file.write(b"x" * size):
                    pass
    return filler


def load(site: Site) -> Load:
    """What a second of visitors meets."""
    visitors = Load(site.https, visitors=6, tls=insecure(), pause=0.02)
    asyncio.run(visitors.run(1.0))
    return visitors


@pytest.mark.parametrize("folder", ["state", "runtime"])
def test_no_room_to_start(tmp_path: Path, folder: str) -> None:
    site = Site.small(tmp_path)
    where: Path = getattr(site.paths, folder)
    with small_disk(where, "64k"):
        fill(where)
        refused = site.run("up", "--plain")
        assert refused.returncode == 1
        assert "No space left on device" in refused.stderr
        assert "df -h" in refused.stderr
        assert "Traceback" not in refused.stderr
        assert processes_of(site) == []
    site.clean()


def test_no_room_for_what_the_application_prints(tmp_path: Path) -> None:
    """Everything was made by an earlier run, so that only the first action fails."""
    site = Site.small(tmp_path)
    with small_disk(site.paths.logs, "1m"):
        site.up()
        site.clean()
        fill(site.paths.logs)
        refused = site.run("up", "--plain")
        assert refused.returncode == 1
        assert "application.log" in refused.stderr
        assert "No space left on device" in refused.stderr
        assert "Traceback" not in refused.stderr
        assert processes_of(site) == []
    site.clean()


def test_the_state_folder_fills_up_while_the_site_serves(tmp_path: Path) -> None:
    site = Site.small(tmp_path, "[servers]\nmax = 3\n")
    with small_disk(site.paths.state, "1m"), running(site):
        filler = fill(site.paths.state)
        site.run("set", "servers.min", "3")
        site.recovered()
        os.kill(next(iter(site.servers().values())), signal.SIGKILL)
        site.wait(lambda s: "journal.jsonl cannot be written: No space left" in s["trouble"])
        site.recovered()
        assert load(site).tally.failed == 0
        assert "cannot be written" in " ".join(site.run("status").stdout.split())
        told = [line for line in site.log.read_text().splitlines() if "trouble" in line]
        assert len(told) == 1
        assert all("time" in line for line in read(site.paths.journal))
        filler.unlink()
        site.wait(lambda s: not s["trouble"])
        kinds = [event["kind"] for line in read(site.paths.journal) for event in line["events"]]
        assert "forget-server" in kinds, "what happened while there was no room is on record too"


def test_the_folder_of_sockets_fills_up_while_the_site_serves(tmp_path: Path) -> None:
    """Servers are replaced without a byte of room; a balancer's configuration needs some."""
    site = Site.small(tmp_path)
    with small_disk(site.paths.runtime, "256k"), running(site):
        filler = fill(site.paths.runtime)
        os.kill(next(iter(site.servers().values())), signal.SIGKILL)
        site.wait(lambda s: "processes.json cannot be written" in s["trouble"])
        site.recovered()
        os.kill(site.balancers()["spare"], signal.SIGKILL)
        site.wait(lambda s: "start-balancer" in s["trouble"])
        assert load(site).tally.failed == 0
        assert "Traceback" not in site.log.read_text()
        filler.unlink()
        site.recovered()
        site.wait(lambda s: not s["trouble"])
