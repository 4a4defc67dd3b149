"""Finding what belongs to a site: by marks that are handed on, by sessions, by parents; and ending just that."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from seawall import members
from seawall.process import Process

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
NEST = "import subprocess, sys, time; subprocess.Popen({command!r}, {how}); time.sleep(600)"

Start = Callable[..., int]


@pytest.fixture
def site() -> str:
    return f"test-{os.getpid()}-{time.monotonic_ns()}"


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[subprocess.Popen[bytes]] = []

    def start(site: str, server: str = "", command: list[str] = SLEEP, session: bool = True) -> int:
        marks = members.marked(site, "server", server) if site else {}
        process = subprocess.Popen(command, env={**os.environ, **marks}, start_new_session=session)
        started.append(process)
        return process.pid

    yield start
    for process in started:
        process.kill()
        process.wait()


def wait_for(number: int, site: str) -> list[int]:
    deadline = time.monotonic() + 30
    while len(found := members.of_site(site)) < number and time.monotonic() < deadline:
        time.sleep(0.02)
    return [member.pid for member in found]


def end(pids: list[int]) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def test_what_was_started_for_a_site_is_found_and_nothing_else(site: str, start: Start) -> None:
    ours, other, unmarked = start(site), start(site + "x"), start("")
    found = wait_for(1, site)
    assert found == [ours]
    assert other not in found
    assert unmarked not in found


def test_a_child_in_a_session_of_its_own_is_found(site: str, start: Start) -> None:
    parent = start(site, "s1", [sys.executable, "-c", NEST.format(command=SLEEP, how="start_new_session=True")])
    both = wait_for(2, site)
    assert parent in both
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    [child] = wait_for(1, site)
    assert [member.pid for member in members.of_process(site, "server", "s1", None)] == [child]
    end([child])


def test_a_child_that_has_thrown_its_environment_away_is_found_while_its_parent_lives(site: str, start: Start) -> None:
    parent = start(site, "s1", [sys.executable, "-c", NEST.format(command=SLEEP, how="env={}, start_new_session=True")])
    both = wait_for(2, site)
    assert len(both) == 2
    for process in members.kill(members.of_site(site)):
        process.close()
    os.waitpid(parent, 0)
    assert members.of_site(site) == []


def test_one_server_is_ended_without_the_others(site: str, start: Start) -> None:
    first, second = start(site, "s1"), start(site, "s2")
    wait_for(2, site)
    leader = Process.adopt(first)
    assert leader is not None
    killed = members.kill(members.of_process(site, "server", "s1", leader))
    assert [process.pid for process in killed] == [first]
    for process in (leader, *killed):
        process.close()
    os.waitpid(first, 0)
    assert [member.pid for member in members.of_site(site)] == [second]


def test_a_session_is_no_identity_once_its_leader_is_gone(site: str, start: Start) -> None:
    """The number may be another's by now: only the mark counts."""
    leader = start(site, "s1")
    wait_for(1, site)
    process = Process.adopt(leader)
    assert process is not None
    stranger = Process(process.pid, process.started - 1, process.pidfd)  # as if the number had been used again
    found = members.of_process(site + "x", "server", "s9", stranger)
    process.close()
    assert found == []


def test_nobody_finds_himself_or_his_parents(site: str) -> None:
    code = f"from seawall import members; print(len(members.of_site({site!r})))"
    inner = [sys.executable, "-c", code]
    outer = f"import subprocess, sys; sys.exit(subprocess.run({inner!r}).returncode)"
    marked = {**os.environ, members.SITE: site}
    done = subprocess.run([sys.executable, "-c", outer], env=marked, capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"


def test_only_the_process_that_was_found_is_killed(start: Start) -> None:
    pid = start("")
    other = members.Member(pid, 0, os.getpid(), pid, ("", ""))
    assert members.kill([other]) == []
    assert Path(f"/proc/{pid}").exists()


def test_a_name_that_is_no_text_keeps_nobody_from_being_found(site: str, start: Start) -> None:
    """The kernel cuts names after 15 bytes, in the midst of a letter too, and anybody may choose one."""
    named = "import time; open('/proc/self/comm', 'wb').write(b'name \\xc3'); print(flush=True); time.sleep(600)"
    pid = start(site, "s1", [sys.executable, "-c", named])
    deadline = time.monotonic() + 30
    while b"name" not in Path(f"/proc/{pid}/comm").read_bytes() and time.monotonic() < deadline:
        time.sleep(0.02)
    [found] = members.of_site(site)
    assert found.pid == pid
    assert members.describe(pid) == f"name \ufffd (pid {pid})"
    process = Process.adopt(pid, found.started)
    assert process is not None
    assert process.alive
    process.close()
