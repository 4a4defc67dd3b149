"""What is read of real processes, and that nothing stays open."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from seawall.judge import Threads
from seawall.process import Process

DEADLINE = 60.0  # s, generous: the machine may be busy

LOCKED = "import threading; l = threading.Lock(); l.acquire(); threading.Thread(target=l.acquire).start(); l.acquire()"
COMES_AND_GOES = """
import sys, threading, time
done = threading.Event()
threading.Thread(target=done.wait).start()
print(flush=True)
sys.stdin.readline()
done.set()
print(flush=True)
time.sleep(99)
"""


@contextmanager
def running(code: str, **options: int) -> Iterator[tuple[subprocess.Popen[bytes], Threads]]:
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options)
    process = Process.adopt(child.pid)
    assert process
    threads = Threads(process.pid, process.started)
    try:
        yield child, threads
    finally:
        threads.close()
        child.kill()
        child.communicate()
        process.close()


def becomes(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def states(threads: Threads) -> set[str]:
    return {seen.state for seen in threads.read().values()}


def open_files() -> set[str]:
    links = []
    for number in os.listdir("/proc/self/fd"):
        path = f"/proc/self/fd/{number}"
        if os.path.lexists(path):
            links.append(os.readlink(path))
    return {link for link in links if "/task" in link}


def test_states_and_processor_time() -> None:
    with running("while True: pass") as (child, threads):
        becomes(lambda: states(threads) == {"R"})
        before = threads.read()[child.pid]
        becomes(lambda: threads.read()[child.pid].ran > before.ran)
        becomes(lambda: threads.read()[child.pid].turns > before.turns)
        child.send_signal(signal.SIGSTOP)
        becomes(lambda: states(threads) == {"T"})
        stopped = threads.read()
        assert threads.read() == stopped
        child.send_signal(signal.SIGCONT)
        becomes(lambda: states(threads) == {"R"})


def test_what_waits_for_a_lock_and_what_for_time() -> None:
    with running(LOCKED) as (_, threads):
        becomes(lambda: len(threads.read()) == 2 == len(threads.on_locks()))
    with running("import time; time.sleep(99)") as (_, threads):
        becomes(lambda: states(threads) == {"S"})
        assert threads.on_locks() == frozenset()


def test_new_threads_are_noticed_and_ended_ones_given_up() -> None:
    with running(COMES_AND_GOES) as (child, threads):
        assert child.stdout
        assert child.stdin
        child.stdout.readline()
        becomes(lambda: len(threads.read()) == 2)
        assert len(open_files()) == 5  # the folder, and two files for each
        child.stdin.write(b"\n")
        child.stdin.flush()
        child.stdout.readline()
        becomes(lambda: len(threads.read()) == 1)
        assert len(open_files()) == 3
    assert open_files() == set()


def test_a_second_reading_opens_nothing() -> None:
    with running("import time; time.sleep(99)") as (_, threads):
        threads.read()
        before = open_files()
        for _ in range(100):
            threads.read()
            threads.on_locks()
        assert open_files() == before


def test_a_process_that_is_gone_is_not_known_of() -> None:
    with running("import time; time.sleep(99)") as (child, threads):
        assert threads.read()
        child.kill()
        assert select.select([os.pidfd_open(child.pid)], [], [], DEADLINE)[0]
        assert threads.read() == {}, "a zombie"
        child.wait()
        assert threads.read() == {}
        assert threads.on_locks() == frozenset()
        assert len(open_files()) <= 1


def test_another_process_with_the_same_pid_is_not_read() -> None:
    with running("import time; time.sleep(99)") as (child, threads):
        stranger = Threads(child.pid, threads.started - 1)
        assert stranger.read() == {}
        assert stranger.on_locks() == frozenset()
        assert open_files() == set()
        stranger.close()


def test_closing_twice_is_no_error() -> None:
    with running("import time; time.sleep(99)") as (_, threads):
        threads.read()
        threads.close()
        threads.close()
        assert open_files() == set()
        assert threads.read(), "it may be read again"


def test_a_name_cannot_pass_for_a_state(tmp_path: Path) -> None:
    program = tmp_path / "x) T 1 (y"
    program.symlink_to(sys.executable)
    child = subprocess.Popen([program, "-c", "while True: pass"], stdout=subprocess.DEVNULL)
    process = Process.adopt(child.pid)
    assert process
    threads = Threads(process.pid, process.started)
    try:
        becomes(lambda: Path(f"/proc/{child.pid}/comm").read_text() == "x) T 1 (y\n")
        becomes(lambda: states(threads) == {"R"})
    finally:
        threads.close()
        child.kill()
        child.wait()
        process.close()


def test_too_many_open_files_are_an_error_and_leave_nothing_open() -> None:
    resource = pytest.importorskip("resource")
    with running("import time; time.sleep(99)") as (child, threads):
        becomes(lambda: states(threads) == {"S"})
        threads.close()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        free = os.open("/dev/null", os.O_RDONLY)
        os.close(free)
        for room in (1, 2):  # room for the folder, and for one file more
            resource.setrlimit(resource.RLIMIT_NOFILE, (free + room, hard))
            try:
                with pytest.raises(OSError, match="Too many open files"):
                    threads.read()
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            threads.close()
            assert open_files() == set()
        assert child.poll() is None
