"""The record of what runs: read back, of another version, another boot, damaged; and what the table does with it."""

import json
import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seawall.control import record
from seawall.control.processes import Balancer, Processes, Server, Warm
from seawall.control.record import Record
from seawall.errors import RecordUnusable
from seawall.model import Memory
from seawall.paths import Paths
from seawall.process import Process

LISTENERS = {"address": "127.0.0.1", "ports": {"http": 80}, "active": "a", "order": ["a", "b"]}


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    return replace(Paths(tmp_path, runtime))


def whole(paths: Paths, process: Process) -> tuple[Processes, Record]:
    processes = Processes(paths)
    processes.add(Warm("w2", 1.0, process, generation=3, protocol=1, ready=True))
    processes.add(Server("s7", 2.0, process, generation=3, address="unix@/x/s7.sock", ready=True))
    processes.add(Server("s8", 2.5))
    processes.add(Server("s9", 2.6, process, exited=True))
    processes.add(Balancer("a", 3.0, process, edge="digest"))
    memory = Memory(
        next_server=9,
        next_warm=3,
        opened=True,
        leaving={"s7": 5.0, "s1": 4.0},
        stopping={"s7": 6.0},
        down={"s7": 7.0},
        retiring={"a": 8.0, "b": 8.0},
        deaths=4,
        retry_at=99.0,
    )
    known = Record(LISTENERS, memory, {"servers.min": "3"}, {"generation": 3, "drain": ["s7"], "restart": []})
    return processes, known


def written(paths: Paths, content: Any) -> None:
    paths.processes.write_text(content if isinstance(content, str) else json.dumps(content))


def read_back(paths: Paths) -> tuple[Processes, Record]:
    found = record.read(paths)
    assert found is not None
    processes = Processes(paths)
    return processes, record.adopt(found, processes)


def test_what_is_written_is_read_back(paths: Paths, process: Process) -> None:
    record.write(paths.processes, record.to_record(*whole(paths, process)))
    assert stat.S_IMODE(paths.processes.stat().st_mode) == 0o600
    processes, known = read_back(paths)
    warm, server, balancer = processes.warms["w2"], processes.servers["s7"], processes.balancers["a"]
    assert (warm.started, warm.generation, warm.protocol, warm.ready) == (1.0, 3, 1, True)
    assert (server.started, server.generation, server.address, server.ready) == (2.0, 3, "unix@/x/s7.sock", True)
    assert (balancer.started, balancer.edge) == (3.0, "digest")
    assert [one.process and one.process.pid for one in (warm, server, balancer)] == [process.pid] * 3
    assert [one.name for one in processes.unfinished] == ["s8"]
    assert "s9" not in processes.servers
    assert known.listeners == LISTENERS
    assert known.settings == {"servers.min": "3"}
    assert known.orders["generation"] == 3


def test_what_is_remembered_of_those_that_are_gone_is_forgotten_and_moments_are(paths: Paths, process: Process) -> None:
    record.write(paths.processes, record.to_record(*whole(paths, process)))
    _, known = read_back(paths)
    assert known.memory == Memory(
        next_server=9,
        next_warm=3,
        opened=True,
        leaving={"s7": 5.0},
        stopping={"s7": 6.0},
        down={"s7": 7.0},
        retiring={"a": 8.0},
    )


def test_what_only_describes_a_moment_does_not_change_the_record(paths: Paths, process: Process) -> None:
    processes, known = whole(paths, process)
    before = record.to_record(processes, known)
    known.memory = replace(known.memory, deaths=1, retry_at=1.0, balancer_retry_at={"a": 5.0})
    assert record.to_record(processes, known) == before


def test_a_dead_process_is_not_adopted_nor_another_with_its_number(paths: Paths, process: Process) -> None:
    content = record.to_record(*whole(paths, process))
    for entry in content["processes"]:
        if "ticks" in entry:
            entry["ticks"] += 1
    written(paths, content)
    processes, known = read_back(paths)
    assert processes.running == []
    assert not known.memory.opened
    assert known.memory.leaving == {}


def test_a_record_from_before_a_reboot_is_nothing(paths: Paths, process: Process) -> None:
    """Though the process it names lives, as far as number and ticks tell."""
    content = record.to_record(*whole(paths, process))
    written(paths, {**content, "boot": "another"})
    assert record.read(paths) is None
    written(paths, content)
    assert record.read(paths) is not None


def test_no_record_is_nothing(paths: Paths) -> None:
    assert record.read(paths) is None


@pytest.mark.parametrize("content", ["", "{", "[]", "7", '{"servers": []}', '{"boot": 5}', "\x00" * 100])
def test_a_damaged_record_is_not_the_same_as_nothing_running(paths: Paths, content: str) -> None:
    written(paths, content)
    with pytest.raises(RecordUnusable, match="left as it is"):
        record.read(paths)


@pytest.mark.parametrize("wrong", [[1], "x", {"sizing": 5}, {"next_server": "many"}, {"leaving": [1]}, 1e400])
@pytest.mark.parametrize("key", ["memory", "settings", "orders", "groups", "listeners", "file"])
def test_what_is_of_the_wrong_kind_is_damage(paths: Paths, process: Process, key: str, wrong: Any) -> None:
    if isinstance(wrong, dict):
        key = "memory"
    written(paths, {**record.to_record(*whole(paths, process)), key: wrong})
    with pytest.raises(RecordUnusable, match=f"makes no sense at {key}"):
        record.read(paths)


@pytest.mark.parametrize("content", ["[" * 100_000, "9" * 5000])
def test_what_python_cannot_read_is_damage(paths: Paths, content: str) -> None:
    written(paths, content)
    with pytest.raises(RecordUnusable, match="left as it is"):
        record.read(paths)


@pytest.mark.parametrize("pid", [0, -1, 10**30])
def test_a_number_that_no_process_has_is_of_none(paths: Paths, process: Process, pid: int) -> None:
    content = record.to_record(*whole(paths, process))
    for entry in content["processes"]:
        entry |= {"generation": "x", "slots": [], "edge": 5}
        if entry["name"] == "s7":
            entry["pid"] = pid
    written(paths, content)
    processes, _ = read_back(paths)
    assert set(processes.servers) == {"s8"}
    assert (processes.warms["w2"].generation, processes.balancers["a"].edge) == (0, "")


def test_a_newer_record_is_refused(paths: Paths, process: Process) -> None:
    written(paths, {**record.to_record(*whole(paths, process)), "version": record.VERSION + 1})
    with pytest.raises(RecordUnusable, match="newer Seawall"):
        record.read(paths)


@pytest.mark.parametrize("missing", ["processes", "listeners", "memory", "settings", "orders"])
def test_one_key_missing_costs_only_what_it_held(paths: Paths, process: Process, missing: str) -> None:
    content = record.to_record(*whole(paths, process))
    del content[missing]
    written(paths, content)
    processes, known = read_back(paths)
    assert bool(processes.running) == (missing != "processes")
    assert bool(known.settings) == (missing != "settings")


def test_what_is_unknown_is_passed_over_and_what_is_missing_has_its_default(paths: Paths, process: Process) -> None:
    content = record.to_record(*whole(paths, process))
    content["colour"] = "blue"
    content["memory"]["mood"] = "good"
    del content["memory"]["leaving"]
    for entry in content["processes"]:
        entry["weather"] = "fine"
        entry.pop("generation", None)
    content["processes"] += [{"kind": "elephant", "name": "e1", "pid": 1, "ticks": 1}, {"name": "x"}, 5]
    content["processes"] += [{"kind": "server", "name": "s3", "pid": process.pid}]
    written(paths, content)
    processes, known = read_back(paths)
    assert set(processes.servers) == {"s7", "s8"}
    assert processes.servers["s7"].generation == 0
    assert known.memory.leaving == {}


def test_the_record_of_0_1_0(paths: Paths, process: Process) -> None:
    identity = {"pid": process.pid, "ticks": process.started}
    written(
        paths,
        {
            "boot": record.boot(),
            "servers": [{"name": "s1", "started": 1.0, "address": "unix@/x", "ready": True, **identity}],
            "balancers": [{"name": "b", "started": 1.5, "edge": "e", **identity}],
            "warm": {"started": 0.5, **identity},
            "listeners": {"address": "127.0.0.1", "ports": {"http": 8000}, "active": "b", "order": ["a", "b"]},
            "memory": {"next_server": 2, "opened": True, "leaving": {"s1": 3.0}, "stopping": {}, "down": {}},
            "settings": {"servers.min": "4"},
        },
    )
    processes, known = read_back(paths)
    assert processes.servers["s1"].ready
    assert processes.balancers["b"].edge == "e"
    assert (processes.warms["warm"].protocol, processes.warms["warm"].ready) == (0, False)
    assert known.memory == Memory(next_server=2, opened=True, leaving={"s1": 3.0})
    assert known.settings == {"servers.min": "4"}


def test_a_full_disk_leaves_the_record_as_it_was(paths: Paths) -> None:
    record.write(paths.processes, {"a": 1})
    with pytest.raises(TypeError):
        record.write(paths.processes, {"a": object()})
    assert json.loads(paths.processes.read_text()) == {"a": 1}
    assert not os.path.islink(paths.processes)
