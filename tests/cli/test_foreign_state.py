"""`events`, `explain` and `logs` where `.seawall/` came with somebody's repository."""

import json
import os
import pty
import pwd
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import users
from tests.patience import PATIENCE

VERBS = ("events", "explain", "logs")
ESCAPE = "\x1b]0;owned\x07"


@pytest.fixture
def clone(open_folder: Path, stranger: pwd.struct_passwd) -> Path:
    (open_folder / ".seawall" / "logs").mkdir(parents=True)
    (open_folder / "seawall.toml").write_text('wsgi = "app:app"\n')
    return open_folder


def told(user: pwd.struct_passwd, clone: Path, *words: str) -> str:
    """What the command says; never with a traceback."""
    users.give(clone, user)
    done = users.run(user, *users.seawall_command(clone, *words))
    assert "Traceback" not in done.stderr, done.stderr
    return " ".join((done.stdout + done.stderr).split())


KINDS: dict[str, tuple[Callable[[Path], object], str]] = {
    "link": (lambda path: path.symlink_to("/etc/hostname"), "it is a symbolic link"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "it is a symbolic link"),
    "pipe": (os.mkfifo, "it is no regular file"),
    "folder": (Path.mkdir, "cannot be read"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("verb", VERBS)
def test_what_is_no_file_is_not_read(clone: Path, stranger: pwd.struct_passwd, verb: str, kind: str) -> None:
    make, words = KINDS[kind]
    make(clone / ".seawall" / ("logs/application.log" if verb == "logs" else "journal.jsonl"))
    assert words in told(stranger, clone, verb)


def decision(subject: str, **more: object) -> str:
    event = {"kind": "start-server", "subject": subject, "text": f"{ESCAPE} because"}
    return json.dumps({"time": 1, "events": [event], "version": 1, **more}) + "\n"


def test_a_journal_of_nonsense(clone: Path, stranger: pwd.struct_passwd) -> None:
    nonsense = [
        {},
        [],
        {"site": 1},
        {
            "site": {"min": 1, "max": 1, "strategy": "x"},
            "observed": {"servers": [{}], "balancers": 7, "active": "a"},
            "now": "x",
        },
    ]
    inputs = {"site": {"min": 2, "max": 4, "strategy": f"random{ESCAPE}"}, "observed": {"servers": [], "balancers": []}}
    memory = {"leaving": [], "stopping": {}, "down": {}, "deaths": []}
    good = decision("s7", inputs={**inputs, "memory": memory, "now": 1})
    lines = [decision("s1", inputs=each) for each in nonsense]
    journal = clone / ".seawall" / "journal.jsonl"
    journal.write_bytes(b"".join((b"\xff\xfe\n", *(line.encode() for line in lines), good.encode(), b"[" * 100_000)))
    explained = told(stranger, clone, "explain", "-n", "9")
    assert "start-server s7 because \\x1b]0;owned\\x07 because wanted 2 to 4 servers, random\\x1b]0;owned" in explained
    assert "s1" not in explained
    events = told(stranger, clone, "events")
    assert "start-server s7 \\x1b]0;owned\\x07 because" in events
    assert "\x1b" not in events + explained


def on_terminal(user: pwd.struct_passwd, clone: Path, *words: str) -> bytes:
    users.give(clone, user)
    ours, theirs = pty.openpty()
    command = users.command(user, *users.seawall_command(clone, *words))
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        said = b""
        while b"last" not in said:
            said += os.read(ours, 65536)
        process.terminate()
        process.wait(PATIENCE)
    os.close(ours)
    return said


@pytest.mark.parametrize("follow", [[], ["--follow"]])
def test_a_log_says_nothing_to_the_terminal(clone: Path, stranger: pwd.struct_passwd, follow: list[str]) -> None:
    (clone / ".seawall" / "logs" / "application.log").write_text(f"first\n\tcafé {ESCAPE}\nlast\n")
    said = on_terminal(stranger, clone, "logs", "-n", "2", *follow).replace(b"\r", b"")
    assert b"first" not in said
    assert b"\x1b" not in said
    assert "café \\x1b]0;owned\\x07\nlast" in said.decode()


def test_a_log_goes_into_a_file_as_it_is(clone: Path, stranger: pwd.struct_passwd) -> None:
    (clone / ".seawall" / "logs" / "application.log").write_text(f"first\n{ESCAPE}\n")
    assert told(stranger, clone, "logs") == f"first {ESCAPE}"
