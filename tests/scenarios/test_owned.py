"""Whoever starts something knows its end: processes in odd states, odd moments and odd families."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from seawall import members
from seawall.process import state
from tests.client import Load, insecure
from tests.scenarios.site import SEAWALL, Site, running, whole

COMMAND = """
import http.server, os, subprocess, sys
child = [sys.executable, "-c", "import time; time.sleep(3600)"]
subprocess.Popen(child, start_new_session=True)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
SPAWNS = """
import subprocess, sys
def application(environ, start_response):
    if environ["PATH_INFO"] == "/spawn":
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"], start_new_session=True)
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""


def pids(site: Site) -> set[int]:
    return {member.pid for member in members.of_site(site.paths.mark)}


def command(tmp_path: Path) -> Site:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "server.py").write_text(COMMAND)
    return Site(folder, f'command = "{sys.executable} server.py {{port}}"\n')


async def get(site: Site, path: str) -> None:
    load = Load(site.https, visitors=1, path=path, tls=insecure())
    await load.run(0.05)
    assert load.tally.ok


def restart_all(site: Site) -> None:
    old = site.servers()
    assert site.run("restart", "all").returncode == 0
    site.wait(lambda state: whole(state) and not set(old) & {s["name"] for s in state["servers"]})


def test_children_of_a_command_end_with_their_server(tmp_path: Path) -> None:
    with running(command(tmp_path)) as site:
        before = pids(site)
        restart_all(site)
        site.wait(lambda _: len(pids(site)) <= len(before))
        remaining = pids(site) & before - set(site.balancers().values())
        assert not remaining, "processes of servers that were replaced"
        assert site.run("down").returncode == 0
        assert pids(site) == set()


def test_what_a_server_has_started_ends_with_the_site(tmp_path: Path) -> None:
    with running(Site.small(tmp_path)) as site:
        (site.folder / "application.py").write_text(SPAWNS)
        restart_all(site)
        known = pids(site)
        asyncio.run(get(site, "/spawn"))
        assert pids(site) > known
        for pid in site.servers().values():
            os.kill(pid, signal.SIGKILL)
        site.kill_control()
        assert site.run("down").returncode == 0
        assert pids(site) == set()


HIDES = """
import subprocess
def application(environ, start_response):
    if environ["PATH_INFO"] == "/hide":
        subprocess.run(["sh", "-c", "env -i setsid sleep 3600 & echo $! > hidden"], check=True)
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""


def test_what_hides_its_mark_ends_with_the_site(tmp_path: Path) -> None:
    """Without environment, session and parent it is still known to the control plane, which has taken it in."""
    with running(Site.small(tmp_path)) as site:
        (site.folder / "application.py").write_text(HIDES)
        restart_all(site)
        asyncio.run(get(site, "/hide"))
        hidden = int((site.folder / "hidden").read_text())
        assert state(hidden) not in ("", "Z")
        assert site.run("down").returncode == 0
        assert state(hidden) in ("", "Z")


def test_a_server_ended_by_a_real_time_signal_is_replaced(tmp_path: Path) -> None:
    with running(Site.small(tmp_path)) as site:
        [name, pid] = next(iter(site.servers().items()))
        os.kill(pid, 40)
        state = site.wait(lambda s: whole(s) and name not in {x["name"] for x in s["servers"]})
        assert any("killed by signal 40" in event["text"] for event in state["events"])


def test_nohup(tmp_path: Path) -> None:
    """A site that was started with nohup goes on when its terminal is closed."""
    site = Site.small(tmp_path)
    with running(site, start=False):
        with site.log.open("ab") as log:
            command = ["nohup", *SEAWALL, "-C", str(site.folder), "up", "--plain"]
            site.control = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        site.wait(whole, 40.0)
        pid = site.status()["control"]["pid"]
        os.kill(pid, signal.SIGHUP)
        time.sleep(1.0)
        assert site.status()["control"]["pid"] == pid
        assert whole(site.wait(whole))


def test_a_second_down_waits_like_the_first(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        slow = Load(site.https, visitors=1, path="/?ms=2500", tls=insecure())
        work = asyncio.create_task(slow.run(0.1))
        await asyncio.sleep(0.7)
        downs = [asyncio.create_task(asyncio.to_thread(site.run, "down")) for _ in range(2)]
        await work
        assert slow.tally.failed == 0, slow.tally.failures
        for down in downs:
            assert (await down).returncode in (0, 3), (await down).stderr

    with running(Site.small(tmp_path)) as site:
        asyncio.run(scenario(site))
        assert pids(site) == set()


def test_down_now_does_not_wait(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        slow = Load(site.https, visitors=1, path="/?ms=20000", tls=insecure())
        work = asyncio.create_task(slow.run(0.1))
        await asyncio.sleep(0.7)
        done = await asyncio.to_thread(site.run, "down", "--now")
        assert done.returncode == 0, done.stderr
        await work
        assert slow.tally.failed

    with running(Site.small(tmp_path)) as site:
        asyncio.run(scenario(site))
        assert pids(site) == set()


def test_following_events_ends_with_a_sentence(tmp_path: Path) -> None:
    with running(Site.small(tmp_path)) as site:
        command = [*SEAWALL, "-C", str(site.folder), "events", "--follow"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as follower:
            time.sleep(1.0)
            site.kill_control()
            _, errors = follower.communicate(timeout=20)
        assert "Traceback" not in errors


def test_broken_code_leaves_what_is_needed_to_replace_servers(tmp_path: Path) -> None:
    """`restart all` with code that cannot be imported, and then every server dies: the old code serves on."""

    async def scenario(site: Site) -> None:
        old = site.servers()
        (site.folder / "application.py").write_text("raise RuntimeError('broken')\n")
        assert (await asyncio.to_thread(site.run, "restart", "all")).returncode == 0
        await asyncio.to_thread(
            site.wait, lambda s: any(event["kind"] == "application-failed" for event in s["events"])
        )
        load = Load(site.https, visitors=4, path="/", tls=insecure(), pause=0.02)
        work = asyncio.create_task(load.run(3600))
        for pid in old.values():
            os.kill(pid, signal.SIGKILL)
        await asyncio.to_thread(site.wait, lambda s: not set(old) & {x["name"] for x in s["servers"]} and s["servers"])
        await asyncio.to_thread(site.recovered)
        load.stop()
        await work
        assert load.tally.failed == 0, load.tally.failures

    with running(Site.small(tmp_path)) as site:
        asyncio.run(scenario(site))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=lambda number: number.name)
def test_the_control_plane_ends_while_servers_are_forked(tmp_path: Path, number: signal.Signals) -> None:
    """Whatever was about to exist: the next `up` or `down` leaves nobody behind."""
    with running(Site.small(tmp_path, "[servers]\nmin = 8\n")) as site:
        for _ in range(3):
            assert site.control is not None
            for pid in site.servers().values():
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.03)
            site.control.send_signal(number)
            site.control.wait(20)
            if number == signal.SIGTERM:
                assert pids(site) == set()
            else:
                assert site.run("down").returncode == 0
                assert pids(site) == set()
            site.up()


KILLED = """
import os, signal, sys
from seawall.control import processes
from seawall.__main__ import main
real = processes.Processes.exists
victim = tuple(sys.argv[1:3])
def exists(self, managed, process):
    if (managed.kind, managed.name) == victim:
        os.kill(os.getpid(), signal.SIGKILL)
    real(self, managed, process)
processes.Processes.exists = exists
sys.argv[1:] = sys.argv[3:]
main()
"""


@pytest.mark.parametrize("victim", ["warm w1", "server s1", "balancer a", "balancer b"])
def test_the_control_plane_is_killed_before_it_knows_what_it_has_started(tmp_path: Path, victim: str) -> None:
    """What it was about to start is on record, and carries a mark: the next one ends it and goes on."""
    site = Site.small(tmp_path)
    with running(site, start=False):
        script = tmp_path / "killed.py"
        script.write_text(KILLED)
        command = [sys.executable, str(script), *victim.split(), "-C", str(site.folder), "up", "--plain"]
        with site.log.open("ab") as log:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=60, check=False)
        assert done.returncode == -signal.SIGKILL
        site.up()
        assert pids(site) == {one["pid"] for one in site.status()["processes"]}
        assert site.run("down").returncode == 0
        assert pids(site) == set()


def test_what_the_record_does_not_name_is_ended_by_the_next_control_plane(tmp_path: Path) -> None:
    """As where it could not be written when they were started: one of each kind is not in it."""
    with running(Site.small(tmp_path, "[servers]\nmin = 2\n")) as site:
        site.kill_control()
        record = json.loads(site.paths.processes.read_text())
        kept = record["listeners"]["active"]
        forgotten = [one for one in record["processes"] if one["name"] not in (kept, "s2")]
        assert {one["kind"] for one in forgotten} == {"warm", "server", "balancer"}
        record["processes"] = [one for one in record["processes"] if one not in forgotten]
        site.paths.processes.write_text(json.dumps(record))
        site.up()
        assert {state(one["pid"]) for one in forgotten} <= {"", "Z"}
        assert pids(site) == {one["pid"] for one in site.status()["processes"]}
        assert (
            f"an earlier control plane left {len(forgotten)} processes unknown"
            in site.run("events", "-n", "500").stdout
        )
