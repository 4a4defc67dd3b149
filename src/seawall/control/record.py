"""The record of what runs, by which the next control plane, or `seawall down`, finds it again.

`version` says how it is to be read. The same version: what is unknown is passed over, what is missing has its default.
An older one: it is brought up to date here. A newer one: nothing is adopted and nothing touched, as half of it might be
misread; `seawall down` ends what it finds by its marks (seawall/members.py).
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from seawall import files, members
from seawall.control.processes import KINDS, Processes
from seawall.errors import RecordDamaged, RecordUnusable
from seawall.model import BalancerName, Memory, Sizing
from seawall.paths import Paths
from seawall.process import Process

VERSION = 1
# What is remembered beyond the life of a control plane; the rest describes moments, and would be old.
REMEMBERED = ("next_server", "next_warm", "opened", "leaving", "stopping", "down", "retiring", "sizing", "asleep_since")


@dataclass
class Record:
    """What is on record besides the processes."""

    listeners: dict[str, Any] | None = None  # of the listening sockets: see Listeners.to_record
    memory: Memory = field(default_factory=Memory)
    settings: dict[str, str] = field(default_factory=dict)  # what `seawall set` changed on the running site
    orders: dict[str, Any] = field(default_factory=dict)  # an operator's: drain, restart, generation
    file: dict[str, Any] | None = None  # what seawall.toml said, as it is in effect; None: nobody wrote it down
    found: bool = False  # an earlier control plane left it: what it does not name is not ours to go on with
    groups: dict[str, str] = field(default_factory=dict)  # of the servers: see Groups.folders


@cache
def boot() -> str:
    """The machine's boot: process numbers and monotonic times mean nothing in another one."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def to_record(processes: Processes, record: Record) -> dict[str, Any]:
    """All that goes on record, as JSON values."""
    memory = {key: getattr(record.memory, key) for key in REMEMBERED} | {"sizing": asdict(record.memory.sizing)}
    return {
        "version": VERSION,
        "boot": boot(),
        "processes": [one.to_record() for one in processes if not one.exited],
        "listeners": record.listeners,
        "memory": memory,
        "settings": record.settings,
        "file": record.file,
        "orders": record.orders,
        "groups": record.groups,
    }


def write(path: Path, record: Mapping[str, Any]) -> None:
    """All or nothing: a reader never sees half of it. Raises OSError."""
    files.replace(path, json.dumps(record).encode())


def read(paths: Paths) -> dict[str, Any] | None:
    """The record as its writer meant it, in today's form; None if there is none, or only of an earlier boot.

    Raises RecordUnusable for one that cannot be read.
    """
    try:
        record = json.loads(paths.processes.read_text())
    except FileNotFoundError:
        return None
    except RecursionError as error:
        raise RecordDamaged(*_words(paths, "is not a record of ours")) from error
    except (OSError, ValueError) as error:
        raise RecordDamaged(*_words(paths, f"cannot be read: {error}")) from error
    if not isinstance(record, dict) or not isinstance(record.get("boot"), str):
        raise RecordDamaged(*_words(paths, "is not a record of ours"))
    if record["boot"] != boot():
        return None
    version = record.get("version", 0)
    if not isinstance(version, int) or version > VERSION:
        what = f"was written by a newer Seawall (version {version}, this one knows {VERSION})"
        raise RecordUnusable(*_words(paths, what))
    try:
        _form().validate_python(record)
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise RecordDamaged(*_words(paths, f"makes no sense at {where}")) from None
    return _from_0(record) if version == 0 else record


@dataclass(frozen=True)
class _Listeners:
    address: str
    ports: dict[str, int]
    active: BalancerName
    order: list[BalancerName]


@dataclass(frozen=True)
class _Orders:
    generation: int = 0
    drain: list[str] = field(default_factory=list)
    restart: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Form:
    """What must make sense, where it is there, or nothing that follows from it does."""

    listeners: _Listeners | None = None
    memory: Memory | None = None
    settings: dict[str, str] | None = None
    orders: _Orders | None = None
    file: dict[str, Any] | None = None
    groups: dict[str, str] | None = None


@cache
def _form() -> TypeAdapter[_Form]:
    return TypeAdapter(_Form)


def _words(paths: Paths, what: str) -> tuple[str, str]:
    return (
        f"The record of what runs, {paths.processes}, {what}. What runs is left as it is.",
        "Use the Seawall that started the site, or end it all: seawall down",
    )


def _from_0(record: dict[str, Any]) -> dict[str, Any]:
    """Seawall 0.1.0 wrote no version, and a list for each kind of process."""
    warm = record.get("warm")
    entries = [{"kind": "warm", "name": "warm", **warm}] if isinstance(warm, dict) else []
    for kind, key in (("server", "servers"), ("balancer", "balancers")):
        entries += [{"kind": kind, **entry} for entry in record.get(key, ()) if isinstance(entry, dict)]
    return {**record, "version": VERSION, "processes": entries}


def load(paths: Paths, processes: Processes) -> Record:
    """What an earlier control plane left running, put into the table.

    Raises RecordUnusable for a newer one's record, and for a damaged one while anything of the site runs.
    """
    try:
        found = read(paths)
    except RecordDamaged:
        if members.of_site(paths.mark):
            raise
        return Record()
    return adopt(found, processes) if found else Record()


def adopt(record: Mapping[str, Any], processes: Processes) -> Record:
    """Put what lives of the record into the table. What was only about to exist has no identity: see `unfinished`."""
    for entry in _entries(record):
        kind = KINDS[entry["kind"]]
        found = Process.adopt(entry["pid"], entry["ticks"]) if "pid" in entry else None
        if found is None and "pid" in entry:
            continue
        known = {key: entry[key] for key in kind.kept if isinstance(entry.get(key), type(getattr(kind, key)))}
        about = {"name": entry["name"], "started": float(entry.get("started", 0.0)), "owner": entry.get("owner")}
        processes.add(kind(process=found, **about, **known))
    listeners = record.get("listeners")
    return Record(
        listeners if isinstance(listeners, dict) else None,
        _memory(record.get("memory") or {}, processes),
        dict(record.get("settings") or {}),
        dict(record.get("orders") or {}),
        file=dict(record["file"]) if isinstance(record.get("file"), dict) else None,
        found=True,
        groups=dict(record.get("groups") or {}),
    )


def _entries(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Those that say enough to be found."""
    entries = record.get("processes")
    return [
        entry
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, dict)
        and entry.get("kind") in KINDS
        and isinstance(entry.get("name"), str)
        and isinstance(entry.get("pid", 0), int)
        and ("pid" not in entry or isinstance(entry.get("ticks"), int))
        and isinstance(entry.get("started", 0.0), int | float)
        and isinstance(entry.get("owner"), int | None)
    ]


def _memory(record: Mapping[str, Any], processes: Processes) -> Memory:
    """The remembered without what it says about processes that are gone."""
    there = {name for name, one in processes.servers.items() if one.process}
    balancers = {name for name, one in processes.balancers.items() if one.process}
    values: dict[str, Any] = {key: record[key] for key in REMEMBERED if key in record}
    for key in ("leaving", "stopping", "down"):
        values[key] = {name: since for name, since in values.get(key, {}).items() if name in there}
    values["retiring"] = {name: since for name, since in values.get("retiring", {}).items() if name in balancers}
    values["opened"] = bool(values.get("opened")) and bool(there or balancers)
    sizing = values.get("sizing")
    known = {each.name for each in fields(Sizing)}
    values["sizing"] = Sizing(**{key: value for key, value in (sizing or {}).items() if key in known})
    values["asleep_since"] = values.get("asleep_since") if values["opened"] else None
    return Memory(**values)
