"""What a server may take of the machine: processor and memory, enforced by control groups that leave nothing behind."""

import asyncio
import contextlib
import json
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from seawall.errors import SeawallError
from seawall.fleet import groups, places
from tests import users
from tests.client import Load, insecure
from tests.patience import until
from tests.scenarios.site import SEAWALL, Site, processes_of, running, whole
from tests.scenarios.visitor import Visitor

APPLICATION = """
import os, time, urllib.parse
HERE = "/proc/self/cgroup"
def application(environ, start_response):
    query = dict(urllib.parse.parse_qsl(environ["QUERY_STRING"]))
    if query.get("greedy") == str(os.getpid()):
        b"x" * (300 << 20)
    end = time.monotonic() + float(query.get("busy", 0))
    while time.monotonic() < end:
        pass
    body = f"{os.getpid()}\\n{open(HERE).read()}".encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""
# Says first of all where it is.
PROGRAM = """
import os, socketserver, http.server, sys
was = open("/proc/self/cgroup").read()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"{os.getpid()}\\n{was}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words): ...
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
THREAD = "import threading, time\nthreading.Thread(target=time.sleep, args=(3600,), daemon=True).start()\n"
WSGI = 'wsgi = "application:application"\n'


def can(controller: str) -> bool:
    try:
        places.find(controller)
    except SeawallError:
        return False
    return True


needs_groups = pytest.mark.skipif(not (can("cpu") and can("memory")), reason="control groups cannot be made here")


def site_of(tmp_path: Path, settings: str, application: str = APPLICATION) -> Site:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "application.py").write_text(application)
    (folder / "program.py").write_text(PROGRAM)
    return Site(folder, settings)


def left(site: Site, name: str = "") -> list[Path]:
    """The groups of the site that there are."""
    return [group for folder in places.named(name or groups.name(site.paths)) for group in (folder, *folder.glob("*/"))]


def group_of(site: Site, server: str, file: str) -> Path:
    found = [path for folder in places.named(groups.name(site.paths)) for path in folder.glob(f"{server}/{file}")]
    assert found, f"{server} has no {file}"
    return found[0]


@needs_groups
def test_who_takes_too_much_memory_is_ended_and_others_answer(tmp_path: Path) -> None:
    site = site_of(tmp_path, WSGI + '[servers]\nmin = 3\nmemory = "96M"\n')
    with running(site):
        (name, pid), *_ = site.servers().items()

        async def main() -> None:
            others = Load(site.https, visitors=4, tls=insecure())
            greedy = Load(site.https, visitors=4, path=f"/?greedy={pid}", tls=insecure())
            work = asyncio.gather(others.run(3600), greedy.run(3600))
            await asyncio.to_thread(until, lambda: name not in site.servers())
            await asyncio.sleep(0.2)
            others.stop()
            greedy.stop()
            await work
            assert others.tally.failures + greedy.tally.failures == []

        asyncio.run(main())
        events = site.run("events", "-n", "500").stdout
        assert f"{name} was ended by its memory limit of 96 MB" in events
        assert "its memory limit of 96 MB" in next(line for line in events.splitlines() if "died after" in line)
        site.recovered()
        assert site.status()["trouble"] == ""
        group = groups.name(site.paths)
    assert left(site, group) == []


@needs_groups
def test_a_server_that_computes_stays_near_its_share(tmp_path: Path) -> None:
    site = site_of(tmp_path, WSGI + "[servers]\nmin = 2\ncpu = 0.2\n")
    with running(site):

        async def main() -> tuple[float, float]:
            load = Load(site.https, visitors=4, path="/?busy=3", timeout=60, tls=insecure())
            work = asyncio.create_task(load.run(3600))
            await asyncio.sleep(0.5)
            began, used = time.monotonic(), sum(map(processor_seconds, site.servers().values()))
            await asyncio.sleep(3)
            spent = sum(map(processor_seconds, site.servers().values())) - used
            load.stop()
            elapsed = time.monotonic() - began
            await work
            return spent, elapsed

        spent, elapsed = asyncio.run(main())
        assert spent < 2 * 0.2 * elapsed * 1.4  # of two servers; without a limit two processors would be full
        assert any(throttled(site, name) for name in site.servers())
        assert all(0 <= server["processor"] < 0.5 for server in site.status()["servers"])


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def throttled(site: Site, server: str) -> bool:
    told = dict(line.split() for line in group_of(site, server, "cpu.stat").read_text().splitlines())
    return int(told["nr_throttled"]) > 0


@needs_groups
@pytest.mark.parametrize(
    ("settings", "application"),
    [
        (WSGI, APPLICATION),
        (WSGI, THREAD + APPLICATION),  # cannot be forked
        (f'command = "{SEAWALL[0]} program.py {{port}}"\n', ""),
    ],
    ids=["forked", "cold", "command"],
)
def test_a_server_runs_nothing_outside_its_group(tmp_path: Path, settings: str, application: str) -> None:
    site = site_of(tmp_path, settings + '[servers]\nmin = 1\ncpu = 1.5\nmemory = "256M"\n', application)
    with running(site):
        said = Visitor(site.https).get("/").text
        mine = [line for line in said.splitlines() if groups.name(site.paths) in line]
        assert mine, said
        assert all(line.endswith(f"/{name}") for line in mine for name in site.servers()), said
        # The control plane, balancers and the warm process are in none.
        assert all(groups.name(site.paths) not in where(pid) for pid in site.balancers().values())
        assert groups.name(site.paths) not in where(site.status()["control"]["pid"])
        group = groups.name(site.paths)
    assert left(site, group) == []


def where(pid: int) -> str:
    return Path(f"/proc/{pid}/cgroup").read_text()


def kill_everything(site: Site) -> None:
    site.kill_control()
    for pid in processes_of(site):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    until(lambda: not processes_of(site))


def lose_the_record(site: Site) -> None:
    site.kill_control()
    site.paths.processes.write_text("{")


@needs_groups
@pytest.mark.parametrize("broken", [Site.kill_control, kill_everything, lose_the_record])
def test_no_group_stays_after_down(tmp_path: Path, broken: Callable[[Site], None]) -> None:
    site = site_of(tmp_path, WSGI + '[servers]\nmin = 2\ncpu = 1\nmemory = "256M"\n')
    with running(site):
        assert left(site)
        broken(site)
        site.run("down")
        assert left(site) == []


@needs_groups
def test_groups_of_servers_that_are_gone_go_too(tmp_path: Path) -> None:
    site = site_of(tmp_path, WSGI + '[servers]\nmin = 2\nmemory = "256M"\n')
    with running(site):
        kill_everything(site)
        site.up()
        site.run("restart", "s3")
        site.wait(lambda state: "s3" not in [server["name"] for server in state["servers"]] and whole(state))
        until(lambda: {group.name for group in left(site)} - {groups.name(site.paths)} == set(site.servers()))


@needs_groups
def test_another_limit_counts_for_what_runs_too(tmp_path: Path) -> None:
    site = site_of(tmp_path, WSGI + "[servers]\nmin = 1\n")
    with running(site):
        servers = site.servers()
        [(name, pid)] = servers.items()
        assert (left(site), site.status()["limits"]["memory"]) == ([], None)
        for size in (256, 512):
            assert site.run("set", "servers.memory", f"{size}M").returncode == 0
            assert groups.name(site.paths) in where(pid)
            assert (site.status()["limits"]["memory"], limit_of(site, name)) == (size << 20, size << 20)
        site.kill_control()
        site.up()
        assert limit_of(site, name) == 512 << 20
        assert site.run("set", "servers.memory", "").returncode == 0
        assert limit_of(site, name) > 1 << 50
        assert (site.status()["trouble"], site.servers()) == ("", servers)


def limit_of(site: Site, server: str) -> int:
    """Bytes; very many where there is no limit."""
    [group] = [path for path in left(site) if path.name == server]
    [text] = [path.read_text().strip() for path in group.glob("memory.*") if path.name in LIMIT]
    return 1 << 62 if text == "max" else int(text)


LIMIT = ("memory.limit_in_bytes", "memory.max")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_where_groups_cannot_be_made_the_site_serves_and_says_so(
    open_folder: Path, stranger: pwd.struct_passwd
) -> None:
    folder = open_folder / "site"
    folder.mkdir()
    (folder / "application.py").write_text(APPLICATION)
    site = Site(folder, WSGI + f'python = "{users.PYTHON}"\n[servers]\nmin = 1\ncpu = 0.5\nmemory = "256M"\n')
    users.give(folder, stranger)
    # Asked of the kernel: what the product says of it is what is tried here.
    if delegated := users.run(stranger, "find", "/sys/fs/cgroup", "-type", "d", "-writable").stdout:
        pytest.skip(f"control groups are delegated here: {delegated}")
    doctor = users.run(stranger, *users.seawall_command(folder, "doctor")).stdout
    assert "servers.cpu and servers.memory cannot be enforced" in " ".join(doctor.split())
    control = subprocess.Popen(users.command(stranger, *users.seawall_command(folder, "up", "--plain")))

    def seawall(*words: str) -> str:
        return " ".join(users.run(stranger, *users.seawall_command(folder, *words)).stdout.split())

    try:
        until(lambda: "up" in seawall("status"))
        until(lambda: serves(site))
        assert "servers.cpu and servers.memory cannot be enforced" in seawall("status")
        assert "cannot be enforced" in seawall("set", "servers.memory", "200M")
        assert "cannot be enforced" not in seawall("set", "servers.max", "3"), "it was told"
        settings = folder / "seawall.toml"
        settings.write_text(settings.read_text().replace("cpu = 0.5", "cpu = 0.6"))
        assert "cannot be enforced" in seawall("reload")
        settings.write_text(settings.read_text().replace("cpu = 0.6", "cpu = 0.7"))
        assert json.loads(seawall("reload", "--json"))["not_enforced"]
    finally:
        seawall("down")
        control.wait()


NO_GROUPS = ("unshare", "--mount", "sh", "-c", 'umount -R /sys/fs/cgroup && exec "$0" "$@"')


@pytest.mark.skipif(
    shutil.which("unshare") is None
    or subprocess.run([*NO_GROUPS, "true"], check=False, capture_output=True).returncode,
    reason="no mount namespace without control groups may be made here",
)
def test_who_starts_a_site_in_the_background_is_told_what_is_not_enforced(tmp_path: Path) -> None:
    site = site_of(tmp_path, WSGI + '[servers]\nmin = 1\nmemory = "256M"\n')
    with running(site, start=False):
        command = [*NO_GROUPS, *SEAWALL, "-C", str(site.folder), "up", "-d"]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert "servers.memory cannot be enforced: this machine has no control groups" in told
        assert "The site serves without." in told


def serves(site: Site) -> bool:
    try:
        return Visitor(site.https).get("/").status == 200
    except OSError:
        return False
