"""The table of managed processes: everything that runs or is about to run for one site, and in which order it ends.

Whoever starts a process puts it here first (`about`), then starts it, then notes its identity (`exists`). The record on
disk, adoption, the end of the site and `seawall status` all go through this table. A new kind is a class here, and a
file in act/ that starts and watches it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from seawall.haproxy.socket import RuntimeSocket
from seawall.paths import Paths
from seawall.process import Process, owner


@dataclass
class Managed:
    """One process. `process` is None while it is about to exist, `exited` is True once it is known to be gone."""

    kind: ClassVar[str]
    order: ClassVar[int]  # lower ones start before; the end of the site goes the other way round
    kept: ClassVar[tuple[str, ...]]  # fields that go on record besides those every process has

    name: str
    started: float = 0.0  # s, monotonic clock: when it was asked for
    process: Process | None = None
    owner: int | None = None  # the user (uid) it was started as
    exited: bool = False
    ending: str = ""
    hung: str = ""  # how that shows, in words

    @property
    def alive(self) -> bool:
        return self.process is not None and not self.exited

    def to_record(self) -> dict[str, Any]:
        """As JSON values. Without `pid`: about to exist."""
        identity = {"pid": self.process.pid, "ticks": self.process.started} if self.process else {}
        return {
            "kind": self.kind,
            "name": self.name,
            "started": self.started,
            "owner": self.owner,
            **identity,
            **{key: getattr(self, key) for key in self.kept},
        }

    def close(self) -> None:
        """Let go of what we hold of a process that has ended, or that another control plane takes over."""
        if self.process:
            self.process.close()


@dataclass
class Warm(Managed):
    """A process that has imported one generation of the application."""

    kind = "warm"
    order = 10
    kept = ("generation", "ready", "protocol", "trial")

    generation: int = 0
    protocol: int = 0  # version of what it is asked and answers
    trial: bool = False  # imports the application with settings that are not in effect: no decision knows of it
    ready: bool = False
    stopped: int = 0  # looks in a row that found it stopped before it was ready


@dataclass
class Server(Managed):
    """One application server."""

    kind = "server"
    order = 20
    kept = ("generation", "address", "ready", "beat", "slots")

    generation: int = 0
    address: str = ""
    beat: bool = False  # it answers heartbeats on a socket of its own
    slots: int = 0  # requests it takes at a time, as it says itself
    ready: bool = False
    busy: bool = False  # it answers, but has no place for another request
    stopped: int = 0  # looks in a row that found it stopped before it was ready


@dataclass
class Balancer(Managed):
    """One HAProxy, and the connection over which it is asked."""

    kind = "balancer"
    order = 30
    kept = ("edge",)

    edge: str = ""
    answering: bool = False
    owes: bool = False
    socket: RuntimeSocket = field(default=None, repr=False)  # type: ignore[assignment]  # set by the table

    def close(self) -> None:
        super().close()
        self.socket.close()


KINDS: dict[str, type[Managed]] = {kind.kind: kind for kind in (Warm, Server, Balancer)}
Kind = TypeVar("Kind", bound=Managed)


class Processes:
    """The processes of one site by kind and name. `changed` is called when what must be on record has changed."""

    def __init__(self, paths: Paths, changed: Callable[[], None] = lambda: None) -> None:
        self.paths = paths
        self.changed = changed
        self._table: dict[tuple[str, str], Managed] = {}

    def __iter__(self) -> Iterator[Managed]:
        """In the order in which they start."""
        return iter(sorted(self._table.values(), key=lambda managed: managed.order))

    def add(self, managed: Managed) -> None:
        """Put one in the table that was found running, or is about to be started."""
        if isinstance(managed, Balancer):
            managed.socket = RuntimeSocket(self.paths.balancer_socket(managed.name), patience=None)
        self._table[managed.kind, managed.name] = managed

    def about(self, *managed: Managed) -> None:
        """These are about to exist: on record before they can be lost."""
        for one in managed:
            self.add(one)
        self.changed()

    def exists(self, managed: Managed, process: Process) -> None:
        """It has been started: on record before anything is asked of it."""
        managed.process, managed.owner = process, owner(process.pid)
        self.changed()

    def forget(self, managed: Managed) -> None:
        """It is gone, and so is all that we held of it."""
        if self._table.get((managed.kind, managed.name)) is managed:
            del self._table[managed.kind, managed.name]
        managed.close()

    def of(self, kind: type[Kind]) -> dict[str, Kind]:
        """Name → process, oldest first."""
        return {name: one for (_, name), one in self._table.items() if isinstance(one, kind)}

    @property
    def servers(self) -> dict[str, Server]:
        return self.of(Server)

    @property
    def warms(self) -> dict[str, Warm]:
        return self.of(Warm)

    @property
    def balancers(self) -> dict[str, Balancer]:
        return self.of(Balancer)

    @property
    def running(self) -> list[Process]:
        """Those that were started and are not known to be gone, in the order in which they started."""
        return [one.process for one in self if one.process and not one.exited]

    @property
    def unfinished(self) -> list[Managed]:
        """Those that were about to exist."""
        return [one for one in self if one.process is None and not one.exited]
