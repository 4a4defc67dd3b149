"""A command whose children do the work is judged by what they do."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from seawall.judge import SERVER, Family, Silence, Threads, Verdict
from seawall.judge.pace import GAP
from seawall.process import start_time
from tests.judge.test_threads import becomes, open_files

BUSY = "while True: pass"
SLEEPS = "import time; time.sleep(99)"


@pytest.fixture
def shell() -> Iterator[subprocess.Popen[bytes]]:
    """A shell that waits for a child that computes and one that sleeps, and says which is which."""
    script = '"$0" -c "$1" & echo $!; "$0" -c "$2" & echo $!; wait'
    command = ["sh", "-c", script, sys.executable, BUSY, SLEEPS]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    yield child
    os.killpg(child.pid, signal.SIGKILL)
    child.communicate()


def read_pids(shell: subprocess.Popen[bytes]) -> tuple[int, int]:
    assert shell.stdout
    return int(shell.stdout.readline()), int(shell.stdout.readline())


def known(pid: int) -> tuple[int, int]:
    started = start_time(pid)
    assert started is not None
    return pid, started


def test_children_are_found_and_given_up(shell: subprocess.Popen[bytes]) -> None:
    busy, sleeps = read_pids(shell)
    family = Family(*known(shell.pid))
    becomes(lambda: family.read().keys() == {shell.pid, busy, sleeps})
    becomes(lambda: family.read()[busy].state == "R")
    assert family.on_locks() == frozenset()
    os.kill(busy, signal.SIGKILL)
    becomes(lambda: family.read().keys() == {shell.pid, sleeps})
    becomes(lambda: bool(family.read()) and len(open_files()) == 2 * 3)
    family.close()
    family.close()
    assert open_files() == set()


def test_grandchildren_are_found() -> None:
    script = 'sh -c \'"$0" -c "$1"; true\' "$0" "$1"; true'
    child = subprocess.Popen(["sh", "-c", script, sys.executable, SLEEPS], start_new_session=True)
    family = Family(*known(child.pid))
    becomes(lambda: len(family.read()) == 3)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    becomes(lambda: family.read() == {})
    family.close()
    assert open_files() == set()


def test_a_parent_that_waits_for_a_child_that_works_is_not_idle(shell: subprocess.Popen[bytes]) -> None:
    busy, _ = read_pids(shell)
    family, alone = Family(*known(shell.pid)), Threads(*known(shell.pid))
    becomes(lambda: family.read().get(busy, (" ",))[0] == "R")
    with_children, without = Silence(SERVER), Silence(SERVER)
    said, said_alone = set(), set()
    for _ in range(SERVER.idle + 20):
        said.add(with_children.look(family.read(), True))
        said_alone.add(without.look(alone.read(), True))
        time.sleep(GAP)
    family.close()
    alone.close()
    assert Verdict.IDLE in said_alone
    assert Verdict.IDLE not in said
