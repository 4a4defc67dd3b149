"""The journal: whole lines or none, told once when the disk is full, kept within bounds."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seawall.control import journal as journal_module
from seawall.control.journal import Journal, action_event, read, replay
from seawall.errors import StateUnusable
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


@pytest.mark.parametrize("version", [None, journal_module.VERSION + 1], ids=["0.1.0", "later"])
def test_a_decision_of_another_release_is_told_and_not_made_again(tmp_path: Path, version: int | None) -> None:
    path = tmp_path / "journal.jsonl"
    Journal(path, lambda entry: None).decision(Site(), Observed(), Memory(), 2.0, Plan((), Memory()))
    line = json.loads(path.read_text())
    assert line["version"] == journal_module.VERSION
    del line["version"]
    path.write_text(json.dumps({**line, **({"version": version} if version else {}), "mood": "good"}) + "\n")
    [told] = read(path)
    with pytest.raises(ValueError, match="another version"):
        replay(told)


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


GOOD = '{"time": 1, "events": [{"kind": "k", "subject": "s", "text": "t"}]}\n'


@pytest.mark.parametrize(
    "nonsense",
    [
        b"[" * 100_000,
        bytes(range(128, 256)),
        b'{"time": NaN, "events": []}',
        b'{"time": 1e300, "events": []}',
        b'{"time": -1, "events": []}',
        b'{"time": "1", "events": []}',
        b'{"time": ' + b"9" * 5000 + b', "events": []}',
        b'{"time": 1, "events": [1]}',
        b'{"time": 1, "events": [{"kind": 1, "subject": "s", "text": "t"}]}',
        b'{"time": 1, "events": [{"kind": "k", "subject": "s"}]}',
        b"\0" * 10_000_000,
    ],
    ids=lambda nonsense: nonsense[:40].hex(),
)
def test_what_makes_no_sense_is_passed_over(tmp_path: Path, nonsense: bytes) -> None:
    file = tmp_path / "journal.jsonl"
    file.write_bytes(GOOD.encode() + nonsense + b"\n" + GOOD.encode())
    assert [line["time"] for line in read(file)] == [1, 1]


@pytest.mark.parametrize("name", ["journal.jsonl", "journal.jsonl.1"])
def test_only_a_file_of_ours_is_read(tmp_path: Path, name: str) -> None:
    """A clone may bring links to devices, and pipes; whoever reads these comes to no end."""
    path = tmp_path / name
    path.symlink_to("/dev/zero")
    with pytest.raises(StateUnusable, match="symbolic link"):
        list(read(tmp_path / "journal.jsonl"))
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(StateUnusable, match="no regular file"):
        list(read(tmp_path / "journal.jsonl"))


def test_only_the_end_of_a_huge_journal_is_read(tmp_path: Path) -> None:
    file = tmp_path / "journal.jsonl"
    with file.open("w") as journal:
        journal.truncate(1 << 42)
        journal.seek(0, os.SEEK_END)
        journal.write("\n" + GOOD)
    assert [line["time"] for line in read(file)] == [1]
