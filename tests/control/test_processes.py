"""The table of managed processes: what is about to exist is on record first, and nothing is lost by being forgotten."""

import os
from pathlib import Path

import pytest

from seawall.control.processes import KINDS, Balancer, Processes, Server, Warm
from seawall.paths import Paths
from seawall.process import Process


def test_what_is_about_to_exist_is_told_before_it_does_and_again_when_it_does(tmp_path: Path, process: Process) -> None:
    seen: list[list[tuple[str, bool]]] = []
    table = Processes(Paths(tmp_path, tmp_path), lambda: seen.append([(one.name, bool(one.process)) for one in table]))
    server = Server("s1", 1.0)
    table.about(server)
    assert table.unfinished == [server]
    assert table.running == []
    table.exists(server, process)
    assert seen == [[("s1", False)], [("s1", True)]]
    assert table.unfinished == []
    assert table.running == [process]


def test_they_are_in_the_order_in_which_they_start(tmp_path: Path) -> None:
    table = Processes(Paths(tmp_path, tmp_path))
    for one in (Balancer("a"), Server("s2"), Warm("w1"), Server("s1")):
        table.add(one)
    assert [one.name for one in table] == ["w1", "s2", "s1", "a"]
    assert [list(names) for names in (table.warms, table.servers, table.balancers)] == [["w1"], ["s2", "s1"], ["a"]]


def test_who_is_gone_does_not_run_and_who_is_forgotten_holds_nothing(tmp_path: Path, process: Process) -> None:
    table = Processes(Paths(tmp_path, tmp_path))
    held = Process.adopt(process.pid)
    assert held is not None
    server = Server("s1", process=held)
    table.add(server)
    server.exited = True
    assert (table.running, table.unfinished, server.alive) == ([], [], False)
    table.forget(server)
    assert table.servers == {}
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(held.pidfd)


def test_forgetting_one_leaves_its_successor_of_the_same_name(tmp_path: Path) -> None:
    table = Processes(Paths(tmp_path, tmp_path))
    before, after = Balancer("a"), Balancer("a")
    table.add(before)
    table.add(after)
    table.forget(before)
    assert table.balancers == {"a": after}


def test_every_kind_has_a_name_an_order_and_fields_for_the_record() -> None:
    assert len({kind.order for kind in KINDS.values()}) == len(KINDS)
    for name, kind in KINDS.items():
        entry = kind(name="x").to_record()
        assert entry["kind"] == name
        assert set(kind.kept) < set(entry)
