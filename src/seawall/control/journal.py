"""The journal: every event, and the inputs of every decision that changed something, one JSON object a line."""

import contextlib
import json
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from seawall import files
from seawall.control.told import REMEMBERED, for_people
from seawall.decide.plan import plan
from seawall.errors import StateUnusable, shell
from seawall.model import Action, Event, Memory, Observed, Plan, Route, Site

VERSION = 2  # of a line: what `inputs` holds; 0.1.0 wrote none
LARGEST = 16 * 1024 * 1024  # bytes; then the file is kept once as `.1`
LONGEST = 4 * 1024 * 1024  # bytes of a line that is read: a decision about thousands of servers
LATEST = 1 << 37  # s since 1970: no clock says more, and a calendar may not have it
KEPT = 200  # lines kept while there is no room for them; then the oldest are lost

Entry = dict[str, Any]


def action_event(action: Action) -> Event:
    """What an action is called when it is told: its kind, what it is about, and why."""
    if isinstance(action, Route):
        return Event(f"route-{action.step}", action.server, f"{action.reason} (balancer {action.balancer})")
    subject = getattr(action, "server", "") or getattr(action, "balancer", "")
    name = type(action).__name__
    kind = "".join("-" + c.lower() if c.isupper() else c for c in name).lstrip("-")
    return Event(kind, subject, action.reason)


class Journal:
    """Appends to one file. A full disk never costs the site: it is told once, and lines wait for room."""

    def __init__(self, path: Path, tell: Callable[[Entry], None]) -> None:
        self._path = path
        self._tell = tell
        self.recent: deque[Entry] = deque(maxlen=REMEMBERED)
        self.trouble = ""
        self._unwritten: deque[str] = deque(maxlen=KEPT)
        self._followers: list[Callable[[Entry], None]] = []

    def decision(self, site: Site, observed: Observed, memory: Memory, now: float, plan: Plan) -> None:
        """Record a decision that changed something, with everything it was made from."""
        events = [*plan.events, *map(action_event, plan.actions)]
        inputs = {"site": asdict(site), "observed": asdict(observed), "memory": asdict(memory), "now": now}
        for event in events:
            self._publish(event)
        self._write({"time": time.time(), "events": [asdict(e) for e in events], "version": VERSION, "inputs": inputs})

    def event(self, event: Event) -> None:
        """Record something that happened without a decision."""
        self._publish(event)
        self._write({"time": time.time(), "events": [asdict(event)]})

    def follow(self, follower: Callable[[Entry], None]) -> Callable[[], None]:
        """Call `follower` with each event from now on; returns how to stop that."""
        self._followers.append(follower)
        return lambda: self._followers.remove(follower)

    def _publish(self, event: Event) -> None:
        entry = {"time": time.time(), **asdict(event)}
        if for_people(entry):
            self.recent.append(entry)
        with contextlib.suppress(OSError):
            self._tell(entry)  # the terminal may be gone: the site is not, and the journal has it
        for follower in list(self._followers):
            follower(entry)

    def _write(self, line: Entry) -> None:
        self._unwritten.append(json.dumps(line, default=sorted, separators=(",", ":")) + "\n")
        self.flush()

    def flush(self) -> None:
        """Write what could not be written before, if there is anything; nothing is torn when it fails again."""
        if not self._unwritten:
            return
        try:
            if self._path.exists() and self._path.stat().st_size > LARGEST:
                self._path.replace(self._path.with_suffix(".jsonl.1"))
            fd = files.open_to_append(self._path, os.O_RDWR)
            try:
                _end_torn_line(fd)
                while self._unwritten:
                    _append(fd, self._unwritten[0].encode())
                    self._unwritten.popleft()
            finally:
                os.close(fd)
        except OSError as error:
            self._troubled(f"the journal {self._path} cannot be written: {error.strerror}")
            return
        self.trouble = ""

    def _troubled(self, trouble: str) -> None:
        if not self.trouble:
            self.trouble = trouble
            room = f"make room: df -h {shell(self._path.parent)}"
            self._publish(Event("trouble", "journal", f"{trouble}. The site goes on; {room}"))


def _end_torn_line(fd: int) -> None:
    """A crash of the machine may have left half a line: what comes next must not be joined to it."""
    size = os.fstat(fd).st_size
    if size and os.pread(fd, 1, size - 1) != b"\n":
        _append(fd, b"\n")


def _append(fd: int, data: bytes) -> None:
    """One whole line or nothing: a disk that fills up in the middle must not leave half a line for the next to join."""
    size = os.fstat(fd).st_size
    written = os.write(fd, data)
    if written < len(data):
        os.ftruncate(fd, size)
        raise OSError(28, "No space left on device")


def read(path: Path) -> Iterator[Entry]:
    """The lines of a journal, oldest first, the kept older file before the present one. Raises StateUnusable.

    It may have come with somebody's repository: only a file of ours is read, and what makes no sense is passed over.
    """
    for part in (path.with_suffix(".jsonl.1"), path):
        try:
            yield from _parsed(files.lines(part, 2 * LARGEST, LONGEST))
        except FileNotFoundError:
            continue
        except OSError as error:
            raise StateUnusable(
                f"{part} cannot be read: {error.strerror}.", f"See what it is: ls -l {shell(part)}"
            ) from error


def _parsed(lines: Iterable[str]) -> Iterator[Entry]:
    for line in lines:
        # A torn line tells nothing, or half of something; the others still tell their story.
        with contextlib.suppress(ValueError, RecursionError):
            entry = json.loads(line)
            if _makes_sense(entry):
                yield entry


def _makes_sense(entry: Any) -> bool:
    """Whether it has a time and events that can be told. Nothing is said of the inputs of a decision."""
    if not isinstance(entry, dict) or not isinstance(entry.get("events"), list):
        return False
    when = entry.get("time")
    return isinstance(when, int | float) and 0 <= when < LATEST and all(map(_is_event, entry["events"]))


def _is_event(event: Any) -> bool:
    return isinstance(event, dict) and all(isinstance(event.get(each.name), str) for each in fields(Event))


@dataclass(frozen=True)
class Inputs:
    """All that a decision is made from."""

    site: Site
    observed: Observed
    memory: Memory
    now: float


def replay(line: Entry) -> Plan:
    """Make the decision on one line of a journal again.

    Raises KeyError where there was none to make, and ValueError where another version made it from other inputs.
    """
    if "inputs" in line and (version := line.get("version", 0)) != VERSION:
        raise ValueError(f"the decision was made by another version of Seawall ({version}, this one is {VERSION})")
    inputs = TypeAdapter(Inputs).validate_python(line["inputs"])
    return plan(inputs.site, inputs.observed, inputs.memory, inputs.now)
