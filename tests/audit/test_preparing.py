"""The first scan after an upgrade compiles the rules: it says so, and Ctrl-C ends it at once."""

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.audit.history.repository import environment, new
from tests.audit.history.scan import SOURCE
from tests.patience import PATIENCE, until

Scan = tuple[subprocess.Popen[bytes], int]


@pytest.fixture
def scanning(tmp_path: Path) -> Iterator[Scan]:
    """A scan with an empty cache, and the terminal that it is in."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "seawall", "secrets", "scan", str(new(tmp_path / "repo"))],
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        env=environment(PYTHONPATH=str(SOURCE), XDG_CACHE_HOME=str(tmp_path / "cache"), TERM="xterm"),
    )  # fmt: skip
    os.close(theirs)
    yield process, ours
    process.kill()
    process.wait()
    os.close(ours)


def read_until(terminal: int, text: bytes) -> bytes:
    said, end = b"", time.monotonic() + PATIENCE
    while text not in said:
        assert time.monotonic() < end, said
        try:
            said += os.read(terminal, 4096)
        except OSError as closed:  # Linux says EIO when the other side has ended
            raise AssertionError(said) from closed
    return said


def runs(process: int) -> bool:
    """Not if it only waits for somebody to ask how it ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def compilers(parent: int) -> list[int]:
    """Processes below `parent` that compile."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            above = int(status.read_text().rpartition(")")[2].split()[1])
            command = (status.parent / "cmdline").read_bytes()
        except (OSError, IndexError):  # ended meanwhile
            continue
        if above == parent and b"compiling.py" in command:
            found.append(int(status.parent.name))
    return found


def compiler_of(process: subprocess.Popen[bytes]) -> int:
    until(lambda: compilers(process.pid), "the compiler")
    return compilers(process.pid)[0]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=lambda number: number.name)
def test_it_ends_at_once_and_leaves_nothing_running(scanning: Scan, number: signal.Signals, tmp_path: Path) -> None:
    process, terminal = scanning
    read_until(terminal, b"Preparing the rules, once")
    compiler = compiler_of(process)
    os.kill(compiler, signal.SIGSTOP)  # so that to wait for it would be for ever
    os.killpg(process.pid, number)
    assert process.wait(PATIENCE) == (130 if number == signal.SIGINT else -number)
    until(lambda: not runs(compiler), "the compiler's end")
    assert not list((tmp_path / "cache").rglob("*"))


def test_it_is_said_once(scanning: Scan, tmp_path: Path) -> None:
    process, terminal = scanning
    read_until(terminal, b"Nothing found.")
    assert process.wait(PATIENCE) == 0
    again = subprocess.run(
        [sys.executable, "-m", "seawall", "secrets", "scan", str(tmp_path / "repo")],
        capture_output=True, check=True,
        env=environment(PYTHONPATH=str(SOURCE), XDG_CACHE_HOME=str(tmp_path / "cache")),
    )  # fmt: skip
    assert b"Nothing found." in again.stdout
    assert b"Preparing" not in again.stderr
