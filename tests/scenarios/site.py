"""A site under test: the real `seawall up` in a folder of its own, on free ports, and what runs for it."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from seawall.control import client
from seawall.errors import NotRunning
from seawall.paths import locate
from tests.patience import PATIENCE

APPLICATION = Path(__file__).with_name("application")
SEAWALL = [sys.executable, "-m", "seawall"]


def free_ports(number: int) -> list[int]:
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


class Site:
    """One site. `settings` is the text of its seawall.toml without the section [listen], which comes first.

    It has as many servers as `min` says, whatever the load is, unless the settings name a `max`.
    """

    def __init__(self, folder: Path, settings: str = "") -> None:
        self.folder = folder
        self.http, self.https = free_ports(2)
        self.paths = locate(folder)
        self.log = folder.parent / f"{folder.name}.log"
        self.control: subprocess.Popen[bytes] | None = None
        self.program = SEAWALL  # what `start` runs
        self.write(settings)

    @classmethod
    def small(cls, tmp_path: Path, settings: str = "") -> "Site":
        """The application of this folder."""
        folder = tmp_path / "site"
        shutil.copytree(APPLICATION, folder, ignore=shutil.ignore_patterns("__pycache__"))
        return cls(folder, f'wsgi = "application:application"\n{settings}')

    def write(self, settings: str) -> None:
        listen = f"[listen]\nhttp = {self.http}\nhttps = {self.https}\n"
        top, bracket, sections = _of_one_size(settings).partition("[")
        (self.folder / "seawall.toml").write_text(f"{top}\n{listen}\n{bracket}{sections}")

    def start(self, *options: str) -> subprocess.Popen[bytes]:
        """`seawall up`, without waiting for anything."""
        with self.log.open("ab") as log:
            command = [*self.program, "-C", str(self.folder), "up", "--plain", *options]
            self.control = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return self.control

    def up(self, timeout: float = PATIENCE) -> float:
        """`seawall up` until everything is in place. Returns the seconds until the first page could be had."""
        began = time.monotonic()
        control = self.start()
        state = self.wait(lambda s: s["open"] and s["control"]["pid"] == control.pid, timeout)
        opened = time.monotonic() - began
        self.wait(whole, timeout)
        assert state["urls"]
        return opened

    def status(self) -> dict[str, Any]:
        return client.ask(self.paths, "status")

    def wait(self, until: Callable[[dict[str, Any]], bool], timeout: float = PATIENCE) -> dict[str, Any]:
        """The first status for which `until` holds; fails with everything known after `timeout` s."""
        deadline = time.monotonic() + timeout
        state: dict[str, Any] = {}
        while time.monotonic() < deadline:
            with contextlib.suppress(NotRunning, ConnectionError):
                state = self.status()
                if until(state):
                    return state
            if self.control and self.control.poll() not in (None, -signal.SIGKILL):
                break
            time.sleep(0.02)
        raise AssertionError(f"not within {timeout} s; last seen {state}\n{self.log.read_text()[-3000:]}")

    def recovered(self, timeout: float = PATIENCE) -> float:
        """Seconds until everything is in its wanted state again."""
        began = time.monotonic()
        self.wait(whole, timeout)
        return time.monotonic() - began

    def servers(self) -> dict[str, int]:
        """Name → pid of those that serve."""
        return {s["name"]: s["pid"] for s in self.status()["servers"] if s["state"] == "up"}

    def balancers(self) -> dict[str, int]:
        """Role → pid."""
        return {b["role"]: b["pid"] for b in self.status()["balancers"]}

    def balancers_on_record(self) -> list[int]:
        """Pids, also while nobody can be asked."""
        record = json.loads(self.paths.processes.read_text())
        return [entry["pid"] for entry in record["processes"] if entry["kind"] == "balancer"]

    def kill_control(self) -> None:
        assert self.control is not None
        self.control.kill()
        self.control.wait()

    def start_command(self, *arguments: str) -> subprocess.Popen[bytes]:
        """A command that is not waited for."""
        with self.log.open("ab") as log:
            return subprocess.Popen([*SEAWALL, "-C", str(self.folder), *arguments], stdout=log, stderr=log)

    def run(self, *arguments: str, timeout: float = PATIENCE) -> subprocess.CompletedProcess[str]:
        command = [*SEAWALL, "-C", str(self.folder), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)

    def posts(self) -> list[str]:
        """The ids of the POSTs the small application carried out."""
        file = self.folder / "posts.txt"
        return file.read_text().split() if file.exists() else []

    def clean(self) -> None:
        """Stop whatever runs, whatever the test did to it."""
        self.run("down")
        if self.control and self.control.poll() is None:
            self.control.kill()
            self.control.wait()
        for folder in (self.paths.runtime, self.paths.kept, self.paths.printed):
            if folder:
                shutil.rmtree(folder, ignore_errors=True)


def _of_one_size(settings: str) -> str:
    """The same with servers.max = servers.min, unless it says something else or makes no sense. No line moves."""
    try:
        servers = tomllib.loads(settings).get("servers", {})
    except tomllib.TOMLDecodeError:
        return settings
    least = servers.get("min", 2)
    if "max" in servers or not isinstance(least, int):
        return settings
    line = f"max = {max(1, least)}\n"
    before, section, rest = settings.partition("[servers]\n")
    if not section:
        return f"{settings.rstrip()}\n[servers]\n{line}"
    own, bracket, others = rest.partition("\n[")
    return f"{before}{section}{own.rstrip()}\n{line}{bracket}{others}"


def whole(state: dict[str, Any]) -> bool:
    """As many servers as wanted, all of them up, an active balancer and a spare, and a warm process if there is one."""
    up = [server for server in state["servers"] if server["state"] == "up"]
    return (
        len(up) == len(state["servers"]) == state["wanted"]
        and {b["role"] for b in state["balancers"] if b["state"] == "up"} == {"active", "spare"}
        and (state["warm"] is None or state["warm"]["state"] == "ready")
    )


def in_flight(requests: int) -> Callable[[dict[str, Any]], bool]:
    """For Site.wait: that servers are answering so many."""
    return lambda state: sum(server["current"] for server in state["servers"]) >= requests


@contextlib.contextmanager
def running(site: Site, start: bool = True) -> Iterator[Site]:
    """The site, up (unless the test starts it otherwise); ended afterwards with nothing left behind."""
    try:
        if start:
            site.up()
        yield site
    finally:
        site.clean()
        leftovers = processes_of(site)
        for pid in leftovers:
            os.kill(pid, signal.SIGKILL)
    assert not leftovers, f"left running: {leftovers}"


def processes_of(site: Site) -> list[int]:
    """Processes that work in the site's folders, however they came to be."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                folder = (entry / "cwd").readlink()
                if folder.is_relative_to(site.folder) or folder.is_relative_to(site.paths.runtime):
                    found.append(int(entry.name))
    return found
