"""The end of a site: in good order, at once, from another terminal, by the power cord; and its beginning again."""

import asyncio
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from seawall.control.lock import holder
from tests.client import Answer, Connection, insecure
from tests.patience import PATIENCE, until
from tests.scenarios.site import SEAWALL, Site, in_flight, processes_of, running, whole


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with running(Site.small(tmp_path)) as site:
        yield site


async def page(site: Site, path: str) -> Answer:
    connection = Connection("127.0.0.1", site.https, insecure())
    try:
        async with asyncio.timeout(PATIENCE):
            return await connection.request("GET", path)
    finally:
        connection.close()


def ended(site: Site, timeout: float = PATIENCE) -> int:
    """The exit code of `seawall up`, and nothing left of it."""
    assert site.control is not None
    code = site.control.wait(timeout)
    assert processes_of(site) == []
    assert not site.paths.processes.exists()
    assert not site.paths.control_socket.exists()
    assert list(site.paths.sockets.iterdir()) == []
    return code


async def refused(site: Site) -> None:
    """Until no new visitor is let in, as soon as the site has begun to stop."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                await page(site, "/")
            except (ConnectionError, asyncio.IncompleteReadError):
                return


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_lets_requests_in_flight_finish(site: Site, number: signal.Signals) -> None:
    async def scenario() -> None:
        slow = [asyncio.create_task(page(site, "/?ms=1500")) for _ in range(3)]
        await asyncio.to_thread(site.wait, in_flight(3))
        assert site.control is not None
        site.control.send_signal(number)
        await refused(site)
        assert [answer.status for answer in await asyncio.gather(*slow)] == [200] * 3

    asyncio.run(scenario())
    assert ended(site) == 0


def test_a_second_ctrl_c_does_not_wait(site: Site) -> None:
    async def scenario() -> None:
        assert site.control is not None
        slow = asyncio.create_task(page(site, "/?ms=60000"))
        await asyncio.to_thread(site.wait, in_flight(1))
        began = time.monotonic()
        site.control.send_signal(signal.SIGINT)
        await refused(site)
        assert site.control.poll() is None, "it waits for the request in flight"
        site.control.send_signal(signal.SIGINT)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await slow
        await asyncio.to_thread(ended, site)
        assert time.monotonic() - began < 30, "servers.stop_timeout: it waited"

    asyncio.run(scenario())


def test_down_waits_for_requests_in_flight(site: Site) -> None:
    async def scenario() -> None:
        slow = asyncio.create_task(page(site, "/?ms=1500"))
        await asyncio.to_thread(site.wait, in_flight(1))
        down = await asyncio.to_thread(site.run, "down")
        assert down.returncode == 0
        assert "stopped" in down.stdout
        assert (await slow).status == 200

    asyncio.run(scenario())
    assert ended(site) == 0
    assert site.run("down").returncode == 3


def test_down_ends_what_a_dead_control_plane_left(site: Site) -> None:
    site.kill_control()
    os.kill(next(pid for pid in processes_of(site)), signal.SIGSTOP)
    assert "what it started may still serve" in site.run("status").stderr
    assert site.run("down").returncode == 0
    assert processes_of(site) == []


def test_down_ends_a_control_plane_that_hangs(site: Site) -> None:
    assert site.control is not None
    site.control.send_signal(signal.SIGSTOP)
    down = site.run("down")
    assert down.returncode == 0, down.stderr
    site.control.wait(PATIENCE)
    assert processes_of(site) == []


def test_detached(tmp_path: Path) -> None:
    site = Site.small(tmp_path)
    try:
        up = site.run("up", "--detach")
        assert up.returncode == 0, up.stderr
        assert f"serves https://localhost:{site.https}/" in up.stdout
        site.wait(whole)
        again = site.run("up", "-d")
        assert again.returncode == 1
        assert "already up" in again.stderr
        assert len(site.servers()) == 2
        assert site.run("down").returncode == 0
        assert processes_of(site) == []
    finally:
        site.clean()


def test_detached_says_what_is_wrong(tmp_path: Path) -> None:
    site = Site.small(tmp_path)
    (site.folder / "application.py").write_text("import nothere\n")
    up = site.run("up", "--detach")
    assert up.returncode == 1
    assert "No module named 'nothere'" in up.stderr
    assert processes_of(site) == []
    site.clean()


@pytest.mark.parametrize("told", ["SIGINT", "SIGKILL"])
def test_detached_and_interrupted_while_it_starts(tmp_path: Path, told: str) -> None:
    """Ctrl-C ends what it has begun; where its control plane is killed, that is said."""
    site = Site.small(tmp_path)
    (site.folder / "application.py").write_text("import time\ntime.sleep(3600)\n")
    try:
        command = [*SEAWALL, "-C", str(site.folder), "up", "-d"]
        up = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        until(lambda: processes_of(site), "a warm process")
        control = holder(site.paths)
        assert control
        os.kill(up.pid if told == "SIGINT" else control.pid, signal.Signals[told])
        said = up.communicate(timeout=PATIENCE)[0]
        assert up.returncode
        if told == "SIGINT":
            assert processes_of(site) == []
        else:
            assert "It was killed by SIGKILL." in said
        control.close()
    finally:
        site.clean()


def all_of(site: Site) -> list[int]:
    state = site.status()
    parts = [*state["servers"], *state["balancers"], state["warm"], state["control"]]
    return [part["pid"] for part in parts]


@pytest.mark.parametrize("clean_first", [False, True], ids=["up", "down, up"])
def test_after_kill_9_of_everything_it_starts_as_if_nothing_had_been(site: Site, clean_first: bool) -> None:
    before = all_of(site)
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    assert site.control is not None
    site.control.wait()
    assert site.paths.processes.exists()
    assert "what it started may still serve" in site.run("status").stderr
    if clean_first:
        assert site.run("down").returncode == 3
        assert f"No site runs from {site.folder}" in site.run("status").stderr
    site.up()
    assert not set(before) & set(all_of(site))
    assert asyncio.run(page(site, "/")).status == 200


def test_a_record_from_before_a_reboot_is_not_believed(site: Site) -> None:
    """Process numbers begin anew, and those on record may be anybody's now."""
    stranger = os.getpid()
    site.run("down")
    ended(site)
    record = {"boot": "before", "servers": [], "balancers": [], "warm": None, "listeners": None}
    ticks = int(Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[19])
    record["servers"] = [{"name": "s1", "started": 0.0, "address": "", "ready": True, "pid": stranger, "ticks": ticks}]
    site.paths.processes.write_text(json.dumps({**record, "memory": {}, "settings": {}}))
    site.up()
    assert stranger not in all_of(site)
    assert set(site.servers()) == {"s1", "s2"}


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"boot": 1}', "\0"], ids=repr)
def test_a_record_that_cannot_be_read_is_no_record(tmp_path: Path, text: str) -> None:
    site = Site.small(tmp_path)
    site.paths.runtime.mkdir(parents=True)
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    site.paths.processes.write_text(text.replace("1", f'"{boot}"'))
    with running(site):
        assert asyncio.run(page(site, "/")).status == 200


def test_a_new_control_plane_for_another_place_is_refused_before_the_old_one_leaves(site: Site) -> None:
    toml = site.folder / "seawall.toml"
    pid = site.status()["control"]["pid"]
    toml.write_text(toml.read_text().replace(f"http = {site.http}", "http = 1"))
    refused = site.run("up", "--replace", "-d")
    assert refused.returncode == 1
    assert f"served at 127.0.0.1, port {site.http} and {site.https}" in refused.stderr + refused.stdout
    assert site.status()["control"]["pid"] == pid
