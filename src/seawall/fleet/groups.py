"""The control groups of a site's servers, which limit their share of the processors and their memory."""

import errno
import hashlib
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from seawall.fleet import places
from seawall.fleet.places import PROCESSES, NoPlace, Place
from seawall.paths import Paths
from seawall.process import Process

NEARLY = 0.95  # of a limit: memory is counted in batches
PERIOD = 100_000  # µs in which a server may use its share of a processor: the kernel's own default


@dataclass(frozen=True)
class Limits:
    """What one server may have; None for all there is."""

    cpu: float | None = None  # of one processor: 0.5 is half of one, 2.0 two
    memory: int | None = None  # bytes

    @property
    def controllers(self) -> list[str]:
        return [name for name in ("cpu", "memory") if getattr(self, name) is not None]


def name(paths: Paths) -> str:
    """Of the site's folder among the groups. The mark itself is a secret, and names of groups are not."""
    return f"seawall-{paths.runtime.name}-{hashlib.sha256(paths.mark.encode()).hexdigest()[:12]}"


@dataclass
class Groups:
    """One folder for the site in each hierarchy, and in it a group for each server.

    `folders` (controller → the site's folder) is on record before it is made, so that whoever ends the site finds it.
    """

    name: str
    limits: Limits = field(default_factory=Limits)
    folders: dict[str, Path] = field(default_factory=dict)
    # (controller, server, or "" where it is so for all) → why its limit is not enforced
    missing: dict[tuple[str, str], NoPlace] = field(default_factory=dict)

    def find(self, limits: Limits, known: Mapping[str, str]) -> None:
        """Decide where: in the `known` folders of an earlier control plane, or below our own group. Makes nothing."""
        self.limits, self.missing = limits, {}
        own = {controller: Path(folder) for controller, folder in known.items() if Path(folder).name == self.name}
        self.folders = {controller: folder for controller, folder in own.items() if folder.is_dir()}
        for controller in self.limits.controllers:
            if controller not in self.folders:
                try:
                    self.folders[controller] = places.find(controller).folder / self.name
                except NoPlace as error:
                    self.missing[controller, ""] = error

    def search(self) -> None:
        """Find the folders of a site whose record is damaged: wherever they are."""
        self.folders = {str(folder): folder for folder in places.named(self.name)}

    def make(self, server: str) -> None:
        """The group of one server, with its limits, before it is started; `missing` says what could not be done."""
        for controller, folder in self.folders.items():
            try:
                if controller in self.limits.controllers:
                    _make_folder(folder, [other for other, beside in self._wanted() if beside == folder])
                    (folder / server).mkdir(exist_ok=True)
                elif not (folder / server).is_dir():
                    continue  # else what it was limited to is lifted
                _limit(folder / server, controller, self.limits)
            except OSError as error:
                taken = error.errno == errno.EBUSY and controller == "memory"
                why = f"{server} takes more already; replace it: seawall restart {server}" if taken else error.strerror
                self.missing[controller, server] = NoPlace(f"{folder} cannot be used: {why}")
            except NoPlace as error:
                self.missing[controller, server] = error
            else:
                self.missing.pop((controller, server), None)

    def enter(self, server: str, process: Process) -> None:
        """Put a process into its server's group, before it is told to serve: it has run nothing of its own yet."""
        for controller, folder in self._wanted():
            try:
                places.write(folder / server / PROCESSES, str(process.pid))
            except OSError as error:
                if process.alive:
                    self.missing[controller, server] = NoPlace(f"{folder} takes no process: {error.strerror}")

    @contextmanager
    def doors(self, server: str) -> Iterator[list[int]]:
        """Descriptors to which a new process writes "0" to enter, whoever it runs as: the rights are the opener's."""
        with ExitStack() as opened:
            doors = []
            for folder in {folder for name, folder in self._wanted() if (name, server) not in self.missing}:
                doors.append(os.open(folder / server / PROCESSES, os.O_WRONLY | os.O_CLOEXEC))
                opened.callback(os.close, doors[-1])
            yield doors

    def _wanted(self) -> list[tuple[str, Path]]:
        return [(name, self.folders[name]) for name in self.limits.controllers if name in self.folders]

    def why_not(self) -> str:
        """What is not enforced and why, in words; "" if all is."""
        settings = " and ".join(dict.fromkeys(f"servers.{controller}" for controller, _ in self.missing))
        reasons = "; ".join(dict.fromkeys(error.problem for error in self.missing.values()))
        return f"{settings} cannot be enforced: {reasons}" if settings else ""

    @property
    def remedy(self) -> str:
        """What helps the first of those that are not enforced."""
        return next((error.remedy for error in self.missing.values() if error.remedy), "")

    @property
    def places(self) -> list[str]:
        """The groups below which ours are."""
        return sorted({str(folder.parent) for folder in self.folders.values()})

    def full(self, server: str) -> bool:
        """Whether the kernel has ended a process of this server because its memory limit was reached."""
        folder = self.folders.get("memory")
        if folder is None:
            return False
        # Version 1 counts in two files, version 2 in one (cgroup-v2.rst, memory.events).
        group = folder / server
        told = {**_numbers(group / "memory.oom_control"), **_numbers(group / "memory.events")}
        # A kill where all of the machine's memory was taken counts too: then the group's own limit was not reached.
        # Not by memory.failcnt, which stays 0 in Linux 6.18.
        most = _number(group / "memory.max_usage_in_bytes")
        reached = told.get("oom", 0) or most > NEARLY * _number(group / "memory.limit_in_bytes")
        return bool(told.get("oom_kill") and reached)

    def tidy(self, servers: Iterable[str]) -> None:
        """Remove the groups of servers that are gone, as soon as their last process is."""
        kept = set(servers)
        self.missing = {about: why for about, why in self.missing.items() if about[1] in {"", *kept}}
        for folder in set(self.folders.values()):
            for group in _groups(folder):
                if group.name not in kept:
                    _remove(group)

    def remove(self) -> list[Path]:
        """Remove everything. Returns the groups that still have processes."""
        self.tidy(())
        for folder in set(self.folders.values()):
            _remove(folder)
        return [
            group for folder in set(self.folders.values()) for group in (*_groups(folder), folder) if group.is_dir()
        ]


def _make_folder(folder: Path, controllers: list[str]) -> None:
    place = Place(folder.parent, 2 if (folder.parent / "cgroup.controllers").exists() else 1)
    if place.version == 2:
        places.enable(place, controllers)
    folder.mkdir(exist_ok=True)
    if place.version == 2:
        places.enable(Place(folder, 2), controllers)


def _limit(group: Path, controller: str, limits: Limits) -> None:
    """Write a limit, or that there is none. Raises OSError."""
    if controller == "memory":
        _limit_memory(group, limits.memory)
        return
    quota = round(limits.cpu * PERIOD) if limits.cpu is not None else None
    if (group / "cpu.max").exists():
        places.write(group / "cpu.max", f"{'max' if quota is None else quota} {PERIOD}")
    else:
        places.write(group / "cpu.cfs_period_us", str(PERIOD))
        places.write(group / "cpu.cfs_quota_us", str(-1 if quota is None else quota))


def _limit_memory(group: Path, most: int | None) -> None:
    """Without swap: a server that is paged out is of no use, and one that leaks has to end some time."""
    if (group / "memory.max").exists():
        # Version 2 would make room by ending processes, where version 1 refuses.
        if most is not None and _number(group / "memory.current") > most < _most_memory(group):
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        places.write(group / "memory.max", "max" if most is None else str(most))
        places.write(group / "memory.oom.group", "1")
        if (group / "memory.swap.max").exists():
            places.write(group / "memory.swap.max", "max" if most is None else "0")
        return
    together = group / "memory.memsw.limit_in_bytes"
    before = _number(together)
    if together.exists():  # it may not be below the other, so it makes way first
        places.write(together, "-1")
    try:
        places.write(group / "memory.limit_in_bytes", str(-1 if most is None else most))
    except OSError:
        if together.exists():
            places.write(together, str(before))
        raise
    if together.exists() and most is not None:
        places.write(together, str(most))


def _most_memory(group: Path) -> float:
    """The limit of version 2 that is in force."""
    return _number(group / "memory.max") or math.inf


def _groups(folder: Path) -> list[Path]:
    try:
        return [Path(entry.path) for entry in os.scandir(folder) if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def _remove(group: Path) -> None:
    """A group that has processes stays, to be removed later; one that is gone is none."""
    try:
        group.rmdir()
    except OSError:
        return


def _numbers(file: Path) -> dict[str, int]:
    """Lines of a name and a number."""
    try:
        lines = [line.split() for line in file.read_text().splitlines()]
    except OSError:
        return {}
    return {words[0]: int(words[1]) for words in lines if len(words) == 2 and words[1].isdigit()}


def _number(file: Path) -> int:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return 0
