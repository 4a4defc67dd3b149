"""Real servers and balancers under an observer, and what is done to them: hung, starved, or loaded."""

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from seawall.haproxy.process import program
from seawall.process import Process

HERE = Path(__file__).parent
CPU, FREEZER = Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup/freezer")
START = 60.0  # s for everything to be there; the machine may be busy
HAPROXY = """
global
  nbthread 1
  stats socket {path} mode 600
  stats timeout 10m
defaults
  mode http
  timeout client 9s
  timeout connect 9s
  timeout server 9s
frontend f
  bind unix@{path}.http
  http-request return status 200
"""


@dataclass(frozen=True)
class Said:
    """One line of the observer: what it said of whom, seconds of time.monotonic()."""

    when: float
    name: str
    verdict: str
    words: str = ""


@dataclass
class Target:
    name: str
    kind: str  # python, plain or balancer
    process: Process
    path: str


@dataclass
class Drill:
    folder: Path
    targets: list[Target] = field(default_factory=list)
    started: list[Process] = field(default_factory=list)
    observers: list[Process] = field(default_factory=list)

    def start(self, *command: object) -> Process:
        child = subprocess.Popen(
            [str(word) for word in command],
            cwd=HERE.parent.parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / "errors").open("ab"),
            start_new_session=True,
        )
        child.returncode = 0  # Process.reap() collects it
        process = Process.adopt(child.pid)
        assert process, (self.folder / "errors").read_text()
        self.started.append(process)
        return process

    def populate(self, **kinds: int) -> None:
        for kind, count in kinds.items():
            for number in range(count):
                self._add(kind, f"{kind}{number}")
        end = time.monotonic() + START
        for target in self.targets:
            while not Path(target.path).exists():
                assert time.monotonic() < end, (self.folder / "errors").read_text()
                time.sleep(0.02)

    def _add(self, kind: str, name: str) -> None:
        path = f"{self.folder}/{name}"
        if kind == "balancer":
            Path(path + ".cfg").write_text(HAPROXY.format(path=path))
            process = self.start(program(), "-db", "-f", path + ".cfg")
        else:
            process = self.start(sys.executable, HERE / "server.py", path, path + ".orders", kind)
        self.targets.append(Target(name, kind, process, path))

    def of(self, *kinds: str) -> list[Target]:
        return [target for target in self.targets if target.kind in kinds]

    def observe(self) -> Process:
        """Start the observer; it watches all targets."""
        spec = self.folder / "spec.json"
        spec.write_text(json.dumps([(t.name, t.kind, t.process.pid, t.process.started, t.path) for t in self.targets]))
        observer = self.start(sys.executable, "-m", "tests.judge.observer", spec, self.folder / "said")
        self.observers.append(observer)
        self.wait_for("READY", 1)
        return observer

    def said(self, since: float = 0.0) -> list[Said]:
        """What the observer said after `since`."""
        lines = (self.folder / "said").read_text().splitlines() if (self.folder / "said").exists() else []
        found = []
        for line in lines:
            when, name, verdict, *words = line.split(maxsplit=3)
            found.append(Said(float(when), name, verdict, *words))
        return [one for one in found if one.when >= since]

    def hung(self, since: float) -> list[Said]:
        return [one for one in self.said(since) if one.name != "-" and one.verdict != "BUSY"]

    def wait_for(self, verdict: str, count: int, since: float = 0.0, within: float = START) -> dict[str, float]:
        """Until `verdict` was said of `count` processes: when, for each. Fails if that does not happen."""
        end = time.monotonic() + within
        while True:
            found: dict[str, float] = {}
            for one in self.said(since):
                if one.verdict == verdict:
                    found.setdefault(one.name, one.when)
            if len(found) >= count:
                return found
            assert time.monotonic() < end, (self.said(since), (self.folder / "errors").read_text())
            assert all(observer.alive for observer in self.observers), (self.folder / "errors").read_text()
            time.sleep(0.02)

    def totals(self) -> dict[str, float]:
        """End the observer, and what it counted."""
        before = time.monotonic()
        for observer in self.observers:
            observer.signal(signal.SIGTERM)
        self.observers.clear()
        self.wait_for("TOTALS", 1, before)
        totals: dict[str, float] = json.loads(self.said(before)[-1].words)
        return totals

    def tell(self, targets: Sequence[Target], what: str, seconds: float) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as orders:
            for target in targets:
                orders.sendto(f"{what} {seconds}".encode(), target.path + ".orders")

    @contextmanager
    def load(self, loops: int) -> Iterator[list[Process]]:
        """As many processes that compute without end."""
        busy = [self.start("sh", "-c", "while :; do :; done") for _ in range(loops)]
        try:
            yield busy
        finally:
            for process in busy:
                self.end(process)

    @contextmanager
    def traffic(self) -> Iterator[None]:
        """Every balancer serves as many requests as it can."""
        options = ("--h1", "-c", 50, "-D", 1000)
        busy = [
            self.start("h2load", *options, "-B", f"unix:{target.path}.http", "http://localhost/")
            for target in self.of("balancer")
        ]
        try:
            yield
            assert all(process.alive for process in busy), "h2load ended"
        finally:
            for process in busy:
                self.end(process)

    def end(self, process: Process) -> None:
        process.signal(signal.SIGKILL)
        assert select.select([process.pidfd], [], [], START)[0]
        process.reap()
        process.close()
        self.started.remove(process)

    def close(self) -> None:
        for process in list(self.started):
            self.end(process)
        shutil.rmtree(self.folder)


@contextmanager
def drill(**kinds: int) -> Iterator[Drill]:
    """So many processes of each kind, observed."""
    made = Drill(Path(tempfile.mkdtemp(prefix="sw", dir="/tmp")))  # sockets need short paths
    try:
        made.populate(**kinds)
        made.observe()
        yield made
    finally:
        made.close()


@contextmanager
def niced(targets: Sequence[Target], nice: int) -> Iterator[None]:
    """All threads of them at a lower priority."""
    threads = [int(name) for target in targets for name in os.listdir(f"/proc/{target.process.pid}/task")]
    for thread in threads:
        os.setpriority(os.PRIO_PROCESS, thread, nice)
    yield
    if os.geteuid() == 0:
        for thread in threads:
            os.setpriority(os.PRIO_PROCESS, thread, 0)


@contextmanager
def group(parent: Path, processes: Sequence[Process]) -> Iterator[Path]:
    """A cgroup (v1) of their own. Skips the test where we may not make one."""
    folder = parent / f"seawall-drill-{os.getpid()}-{time.monotonic_ns()}"
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"no cgroup of our own under {parent}: {error.strerror}")
    try:
        for process in processes:
            (folder / "cgroup.procs").write_text(str(process.pid))
        yield folder
    finally:
        for pid in (folder / "cgroup.procs").read_text().split():
            (parent / "cgroup.procs").write_text(pid)
        folder.rmdir()


@contextmanager
def quota(processes: Sequence[Process], percent: float) -> Iterator[None]:
    """They share `percent` of one processor."""
    with group(CPU, processes) as folder:
        (folder / "cpu.cfs_quota_us").write_text(str(int(percent * 1000)))
        yield


@contextmanager
def frozen(targets: Sequence[Target]) -> Iterator[None]:
    with group(FREEZER, [target.process for target in targets]) as folder:
        (folder / "freezer.state").write_text("FROZEN")
        try:
            yield
        finally:
            (folder / "freezer.state").write_text("THAWED")


@contextmanager
def stopped(targets: Sequence[Target]) -> Iterator[None]:
    for target in targets:
        target.process.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for target in targets:
            target.process.signal(signal.SIGCONT)


def in_turns(process: Process, seconds: float, stop: float = 0.11, go: float = 0.003) -> None:
    """Stop and continue a process over and over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        process.signal(signal.SIGSTOP)
        time.sleep(stop)
        process.signal(signal.SIGCONT)
        time.sleep(go)
