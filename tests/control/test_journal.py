"""The journal: whole lines or none, told once when the disk is full, kept within bounds."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seawall.control import journal as journal_module
from seawall.control.journal import Journal, action_event, read
from seawall.model import Event, Memory, Observed, Plan, Route, ServerSeen, Site, StartServer, TakeOver


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system with nothing left."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path) -> None:
    with (folder / "filler").open("wb", buffering=0) as filler:
        try:
            while filler.write(b"x" * 4096):
                pass
        except OSError:
            return


def test_decisions_and_events_are_read_back(tmp_path: Path) -> None:
    told: list[dict[str, Any]] = []
    journal = Journal(tmp_path / "journal.jsonl", told.append)
    site = Site(drain=frozenset({"s1"}))
    observed = Observed(servers=(ServerSeen("s1", 1.0),))
    plan = Plan((StartServer("one is missing", "s2"),), Memory())
    journal.decision(site, observed, Memory(), 2.0, plan)
    journal.event(Event("adopt", "site", "found"))
    decision, event = read(tmp_path / "journal.jsonl")
    assert decision["inputs"]["site"]["drain"] == ["s1"]
    assert decision["inputs"]["observed"]["servers"][0]["name"] == "s1"
    assert decision["events"] == [{"kind": "start-server", "subject": "s2", "text": "one is missing"}]
    assert event["events"][0]["text"] == "found"
    assert [entry["kind"] for entry in told] == ["start-server", "adopt"]


def test_a_full_disk_is_told_once_and_costs_no_line(full_disk: Path) -> None:
    told: list[dict[str, Any]] = []
    journal = Journal(full_disk / "journal.jsonl", told.append)
    journal.event(Event("one", "site", "before"))
    fill(full_disk)
    for number in range(10):
        journal.event(Event("late", "site", "x" * 2000 + str(number)))
    assert [entry["kind"] for entry in told].count("trouble") == 1
    assert "No space left" in journal.trouble
    (full_disk / "filler").unlink()
    journal.flush()
    assert journal.trouble == ""
    journal.event(Event("two", "site", "after"))
    lines = (full_disk / "journal.jsonl").read_text().splitlines()
    assert [json.loads(line)["events"][0]["kind"] for line in lines] == ["one", *["late"] * 10, "two"]


def test_a_torn_last_line_is_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "journal.jsonl"
    file.write_text('{"time": 1, "events": []}\n{"time": 2, "eve')
    assert [line["time"] for line in read(file)] == [1]


def test_a_long_journal_is_kept_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "LARGEST", 500)
    journal = Journal(tmp_path / "journal.jsonl", lambda _: None)
    for number in range(12):
        journal.event(Event("n", "site", f"{number:0100}"))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["journal.jsonl", "journal.jsonl.1"]
    texts = [int(line["events"][0]["text"]) for line in read(tmp_path / "journal.jsonl")]
    assert texts == list(range(texts[0], 12))


@pytest.mark.parametrize(
    ("action", "kind", "subject"),
    [
        (StartServer("", "s1"), "start-server", "s1"),
        (TakeOver("", "b"), "take-over", "b"),
        (Route("", "a", "random", "s1", "drain"), "route-drain", "s1"),
    ],
)
def test_what_an_action_is_called(action: Any, kind: str, subject: str) -> None:
    event = action_event(action)
    assert (event.kind, event.subject) == (kind, subject)
