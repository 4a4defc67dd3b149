"""What runs: handles to the processes of the site, and the record by which the next control plane adopts them."""

import contextlib
import json
import os
import signal
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from seawall.haproxy.listeners import Listeners
from seawall.haproxy.socket import RuntimeSocket
from seawall.model import BALANCERS, BalancerName, Memory
from seawall.paths import Paths
from seawall.process import Process


@dataclass
class Server:
    """One application server. `process` is None while it is being started, `exited` once it is known to be gone."""

    name: str
    started: float  # s, monotonic clock
    address: str = ""
    process: Process | None = None
    ready: bool = False
    exited: bool = False
    ending: str = ""
    cpu: int = -1  # processor time when last looked at, in clock ticks
    idle_since: float = 0.0  # since when that has not grown


@dataclass
class Balancer:
    """One HAProxy."""

    name: BalancerName
    socket: RuntimeSocket
    process: Process | None = None
    started: float = 0.0
    edge: str = ""
    exited: bool = False
    answering: bool = False
    missed: int = 0
    busy: bool = False


@dataclass
class Warm:
    """The warm process."""

    process: Process
    started: float
    ready: bool = False
    exited: bool = False
    missed: int = 0


@dataclass
class Running:
    """Everything that runs for one site."""

    paths: Paths
    servers: dict[str, Server] = field(default_factory=dict)
    balancers: dict[BalancerName, Balancer] = field(default_factory=dict)
    listened: dict[str, Any] | None = None  # the record of an earlier control plane's listeners
    warm: Warm | None = None
    wants_warm: bool = True  # False: this application cannot be forked, its servers are started cold
    listeners: Listeners | None = None
    memory: Memory = field(default_factory=Memory)
    settings: dict[str, str] = field(default_factory=dict)  # what `seawall set` changed on the running site

    @classmethod
    def empty(cls, paths: Paths) -> "Running":
        balancers = {name: Balancer(name, RuntimeSocket(paths.balancer_socket(name))) for name in BALANCERS}
        return cls(paths, balancers=balancers)

    @property
    def processes(self) -> list[Process]:
        found = [server.process for server in self.servers.values()]
        found += [balancer.process for balancer in self.balancers.values()]
        found.append(self.warm.process if self.warm else None)
        return [process for process in found if process is not None]

    def record(self) -> dict[str, Any]:
        servers = [
            {"name": s.name, "started": s.started, "address": s.address, "ready": s.ready, **_identity(s.process)}
            for s in self.servers.values()
            if s.process and not s.exited
        ]
        balancers = [
            {"name": b.name, "started": b.started, "edge": b.edge, **_identity(b.process)}
            for b in self.balancers.values()
            if b.process and not b.exited
        ]
        return {
            "boot": _boot(),
            "servers": servers,
            "balancers": balancers,
            "warm": self.warm and {"started": self.warm.started, **_identity(self.warm.process)},
            "listeners": self.listeners.to_record() if self.listeners else None,
            "memory": asdict(self.memory),
            "settings": self.settings,
        }

    def save(self) -> None:
        """Write the record, all or nothing: a reader never sees half of it. Raises OSError."""
        text = json.dumps(self.record())
        draft = self.paths.processes.with_suffix(".new")
        draft.write_text(text)
        draft.chmod(0o600)
        draft.replace(self.paths.processes)


def reap_orphans(running: Running) -> None:
    """Free the zombies of what servers started and left behind: as PR_SET_CHILD_SUBREAPER we are its new parent.

    Our own processes are left to their pidfds, which tell how they ended.
    """
    own = {process.pid for process in running.processes}
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) and ended.si_pid not in own:
            os.waitpid(ended.si_pid, os.WNOHANG)


def _identity(process: Process | None) -> dict[str, int]:
    return {"pid": process.pid, "ticks": process.started} if process else {}


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def load(paths: Paths) -> Running:
    """What an earlier control plane left running; what has died since is left out.

    A missing record, one that cannot be read and one of another form (an earlier version's) are the same as nothing
    running: then there is nothing to adopt.
    """
    running = Running.empty(paths)
    try:
        record = json.loads(paths.processes.read_text())
        if record["boot"] == _boot():
            _fill(running, record)
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return Running.empty(paths)
    return running


def _fill(running: Running, record: Mapping[str, Any]) -> None:
    for entry in record["servers"]:
        if process := Process.adopt(entry["pid"], entry["ticks"]):
            running.servers[entry["name"]] = Server(
                entry["name"], entry["started"], entry["address"], process, entry["ready"]
            )
    for entry in record["balancers"]:
        if process := Process.adopt(entry["pid"], entry["ticks"]):
            balancer = running.balancers[entry["name"]]
            balancer.process, balancer.started, balancer.edge = process, entry["started"], entry["edge"]
    if (entry := record["warm"]) and (process := Process.adopt(entry["pid"], entry["ticks"])):
        running.warm = Warm(process, entry["started"])
    running.listened = record["listeners"]
    running.memory = _memory(record["memory"], running)
    running.settings = record["settings"]


def _memory(record: Mapping[str, Any], running: Running) -> Memory:
    """The remembered without what it says about servers that are gone."""

    def kept(key: str) -> dict[str, float]:
        return {name: since for name, since in record[key].items() if name in running.servers}

    return Memory(
        next_server=record["next_server"],
        opened=record["opened"] and bool(running.servers or any(b.process for b in running.balancers.values())),
        leaving=kept("leaving"),
        stopping=kept("stopping"),
        down=kept("down"),
    )


def kill_group(process: Process) -> None:
    """SIGKILL to a server and whatever it started itself (npm starts node): each server leads its own session."""
    process.signal(signal.SIGKILL)
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
