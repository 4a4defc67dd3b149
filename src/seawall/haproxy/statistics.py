"""Reads what HAProxy answers to `show stat` (management guide, 9.1) and what it counts of the requests in a backend."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from seawall.errors import EngineFailed
from seawall.haproxy.render import INTERNAL


@dataclass(frozen=True)
class Pulse:
    """The least that tells whether anything goes on."""

    finishing: bool  # it was told to finish (SIGUSR1) or to pause (SIGTTOU), and takes no new visitors
    requests: int = 0  # that came so far; who takes the step inside counts again
    current: int = 0  # requests that are served or wait


@dataclass(frozen=True)
class Reading:
    """What one balancer has counted since it started, and what goes on now."""

    arrived: int  # requests
    queued: int
    streams: int  # websockets and event streams
    servers: dict[str, tuple[int, int]] = field(default_factory=dict)  # name → requests given to it, and in it now

    @property
    def serving(self) -> int:
        """Requests in servers, streams among them."""
        return sum(current for _, current in self.servers.values())


class Row:
    """One row of `show stat`, asked by column. There are 129 of them, of which few are ever looked at."""

    __slots__ = ("_columns", "_fields")

    def __init__(self, columns: dict[str, int], fields: list[str]) -> None:
        self._columns, self._fields = columns, fields

    def __getitem__(self, column: str) -> str:
        return self._fields[self._columns[column]]


def rows_of(answer: str) -> Iterator[Row]:
    """The rows of one or more `show stat` answers, each of which begins with its header."""
    columns: dict[str, int] = {}
    for line in answer.splitlines():
        if line.startswith("# "):
            columns = _columns(line)
        elif line:
            # What a heartbeat said may have commas; without them, splitting takes a fraction of the time.
            fields = next(csv.reader([line])) if '"' in line else line.split(",")
            if len(fields) != len(columns):
                raise EngineFailed(f"HAProxy gave statistics that cannot be read: {fields[0]}")
            yield Row(columns, fields)


@lru_cache(maxsize=16)
def _columns(header: str) -> dict[str, int]:
    # Where HAProxy has nothing to say, columns share a name: "-", and the last one's "".
    names = header.removeprefix("# ").split(",")
    return {name if names.count(name) == 1 else f"{name}{number}": number for number, name in enumerate(names)}


def pulse(answers: Sequence[str]) -> Pulse:
    rows = [row for answer in answers for row in rows_of(answer)]
    finishing = any(row["status"] in ("STOP", "PAUSED") for row in rows if row["svname"] == "FRONTEND")
    backends = [row for row in rows if row["svname"] == "BACKEND"]
    return Pulse(finishing, sum(int(row["stot"]) for row in backends), sum(int(row["scur"]) for row in backends))


def reading(statistics: str, streams: str) -> Reading:
    """From a `show stat` of one backend and its servers, and from the table of streams."""
    arrived, queued = 0, 0
    servers: dict[str, tuple[int, int]] = {}
    for row in rows_of(statistics):
        if row["svname"] == "BACKEND":
            arrived, queued = arrived + int(row["stot"]), queued + int(row["qcur"])
        elif row["svname"] in INTERNAL:
            # Who takes the step inside comes back to this backend, and is counted once more; or is turned away.
            arrived -= int(row["stot"])
        else:
            servers[row["svname"]] = (int(row["stot"]), int(row["scur"]))
            queued += int(row["qcur"])
    return Reading(arrived, queued, sum(map(_in_use, streams.splitlines())), servers)


def _in_use(line: str) -> int:
    _, found, number = line.partition(" conn_cur=")
    return int(number) if found else 0
