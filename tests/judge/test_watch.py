"""When to ask and to look, and that an answer which lies in the socket is heard, however late we are."""

import asyncio
import os
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.judge import (
    BALANCER,
    SERVER,
    Pace,
    Pulse,
    Silence,
    Threads,
    Verdict,
    Watch,
    done_by,
    readable,
    readable_by,
)
from seawall.judge.pace import ASK, DUE, GAP, LATE
from seawall.process import start_time

NOW = 1000.0


def silent() -> bool:
    return False


@pytest.fixture
def watch() -> Iterator[Watch]:
    """This process: it runs, so no look finds it hung."""
    started = start_time(os.getpid())
    assert started is not None
    watched = Watch(Threads(os.getpid(), started), BALANCER, NOW)
    yield watched
    watched.close()
    assert not watched.threads._files


def test_pace() -> None:
    assert ASK == 0.1
    pace = Pace(NOW)
    assert pace.due == NOW
    pace.asked(NOW)
    assert pace.due == NOW + DUE
    pace.looked(NOW + DUE)
    assert pace.due == NOW + DUE + GAP
    pace.answered(NOW + 0.06)
    assert pace.due == NOW + ASK
    pace.asked(NOW + ASK)
    pace.answered(NOW + 7)
    assert pace.due == NOW + 7


def test_a_look_that_comes_late_moves_the_next(watch: Watch) -> None:
    watch.asked(NOW)
    watch.look(NOW + 1, silent)
    assert watch.due == NOW + 1 + GAP


def test_what_is_watched_is_told_by_its_limits_and_pace() -> None:
    pid = os.fork()
    if not pid:
        time.sleep(99)
        os._exit(0)
    started = start_time(pid)
    assert started is not None
    watch = Watch(Threads(pid, started), SERVER, NOW, every=1.0)
    try:
        watch.asked(NOW)
        said = [watch.look(watch.due, silent) for _ in range(SERVER.idle - 5)]
        assert set(said) == {Verdict.WAITING}
        watch.answered(NOW + 0.01)
        assert watch.due == NOW + 1
    finally:
        watch.close()
        os.kill(pid, 9)
        os.waitpid(pid, 0)


def test_an_answer_is_heard_before_a_look_is_due(watch: Watch) -> None:
    watch.asked(NOW)
    assert watch.look(NOW + 0.01, lambda: True) is Verdict.FINE


def test_event_loops_may_wake_a_little_early() -> None:
    assert Pace(NOW).on_time(NOW - 0.001)
    assert not Pace(NOW).on_time(NOW - 0.01)


def test_a_slower_pace() -> None:
    pace = Pace(NOW, every=1.0)
    pace.asked(NOW)
    pace.answered(NOW + 0.01)
    assert pace.due == NOW + 1


@given(st.floats(-1, 1))
def test_on_time_is_neither_early_nor_late(offset: float) -> None:
    pace = Pace(NOW)
    assert pace.late(NOW + offset) == pytest.approx(offset)
    assert pace.on_time(NOW + offset) or not 0 <= offset < LATE
    assert not pace.on_time(NOW + offset) or -GAP / 2 < offset <= LATE * 1.01


def test_a_look_that_is_not_due_counts_nothing_and_reads_nothing(watch: Watch) -> None:
    watch.asked(NOW)
    assert watch.look(NOW + DUE / 2, silent) is Verdict.WAITING
    assert watch.due == NOW + DUE
    assert not watch.threads._files
    watch.look(NOW + DUE, silent)
    assert watch.threads._files


def test_nothing_is_owed_before_a_question_and_after_the_answer(watch: Watch) -> None:
    assert watch.look(NOW, silent) is Verdict.FINE
    watch.asked(NOW)
    assert watch.unanswered
    assert watch.look(NOW + DUE, silent) is Verdict.WAITING
    assert watch.answered(NOW + 0.06) is Verdict.FINE
    assert not watch.unanswered
    assert watch.look(NOW + 0.07, silent) is Verdict.FINE


@pytest.mark.parametrize("when", [1, 2], ids=["before /proc is read", "meanwhile"])
def test_an_answer_in_the_socket_is_no_miss_and_zeroes_everything(
    watch: Watch, monkeypatch: pytest.MonkeyPatch, when: int
) -> None:
    zeroed = []
    monkeypatch.setattr(Silence, "answered", lambda _: zeroed.append(1))
    calls = iter(range(1, 3))
    watch.asked(NOW)
    assert watch.look(NOW + DUE, lambda: next(calls) == when) is Verdict.FINE
    assert zeroed


def test_a_stopped_process_takes_two_looks_on_time() -> None:
    pid = os.fork()
    if not pid:
        time.sleep(99)
        os._exit(0)
    os.kill(pid, 19)
    os.waitpid(pid, os.WUNTRACED)
    started = start_time(pid)
    assert started is not None
    watch = Watch(Threads(pid, started), SERVER, NOW)
    try:
        watch.asked(NOW)
        said = [watch.look(watch.due + LATE + 0.001, silent) for _ in range(50)]
        assert set(said) == {Verdict.WAITING}
        assert [watch.look(watch.due, silent) for _ in range(2)] == [Verdict.WAITING, Verdict.STOPPED]
        watch.answered(watch.due)
        watch.asked(watch.due)
        assert watch.look(watch.due, silent) is Verdict.WAITING
    finally:
        watch.close()
        os.kill(pid, 9)
        os.waitpid(pid, 0)


def test_a_server_with_a_pulse_is_busy_at_most_while_it_runs(watch: Watch) -> None:
    pulse = Pulse(loop=1, begun=2, ended=1, working=1, abandoned=0)
    said = set()
    for _ in range(100):
        watch.asked(watch.due)
        said.add(watch.answered(watch.due, pulse))
    assert said == {Verdict.FINE, Verdict.BUSY}


def test_questions_asked_late_are_no_evidence_of_a_standstill(watch: Watch) -> None:
    pulse = Pulse(loop=1, begun=2, ended=1, working=1, abandoned=0)
    for _ in range(100):
        watch.asked(watch.due + LATE * 2)
        assert watch.answered(watch.due, pulse) is Verdict.FINE


# Event loops


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    ours.setblocking(False)
    yield ours, theirs
    ours.close()
    theirs.close()


def test_readable_until_it_is_read(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    assert not readable(ours.fileno())
    theirs.send(b"answer")
    assert readable(ours.fileno())
    assert ours.recv(9) == b"answer"
    assert not readable(ours.fileno())


Reads = Callable[[socket.socket, float], Awaitable[Verdict]]


async def while_the_loop_is_late(pair: tuple[socket.socket, socket.socket], read: Reads) -> Verdict:
    """The answer arrives in time, but the loop is blocked until after the deadline."""
    ours, theirs = pair
    loop = asyncio.get_running_loop()
    until = loop.time() + 0.05

    def stand_still() -> None:
        theirs.send(b"answer")
        time.sleep(max(0.0, until - loop.time()) + 0.01)

    loop.call_soon(stand_still)
    return await read(ours, until)


def test_the_trap(pair: tuple[socket.socket, socket.socket], watch: Watch) -> None:
    """asyncio.timeout() fires although the answer has been read, and throws it away."""

    async def ask(ours: socket.socket, until: float) -> Verdict:
        watch.asked(NOW)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout_at(until):
                await asyncio.get_running_loop().sock_recv(ours, 9)
        return watch.look(watch.due, lambda: readable(ours.fileno()))

    assert asyncio.run(while_the_loop_is_late(pair, ask)) is Verdict.WAITING


def test_waiting_until_it_is_readable_hears_it(pair: tuple[socket.socket, socket.socket]) -> None:
    async def ask(ours: socket.socket, until: float) -> Verdict:
        assert await readable_by(ours.fileno(), until)
        assert ours.recv(9) == b"answer"
        return Verdict.FINE

    asyncio.run(while_the_loop_is_late(pair, ask))


def test_waiting_ends_where_nothing_comes(pair: tuple[socket.socket, socket.socket]) -> None:
    async def ask() -> bool:
        loop = asyncio.get_running_loop()
        until = loop.time() + 0.02
        came = await readable_by(pair[0].fileno(), until)
        return came or loop.time() < until

    assert not asyncio.run(ask())


def answer_one(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    connection.recv(99)
    connection.sendall(b"answer")
    connection.close()


async def asked_in_a_task(path: str, other_end: threading.Thread) -> bytes:
    """Ask over streams, while the loop stands still from the question on until after the time. What it heard."""
    loop = asyncio.get_running_loop()
    until = loop.time() + 0.05

    def stand_still() -> None:
        other_end.join()
        time.sleep(max(0.0, until - loop.time()) + 0.01)

    async def ask() -> bytes:
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b"question")
        loop.call_soon(stand_still)
        answer = await reader.read()
        writer.close()
        return answer

    task = asyncio.create_task(ask())
    heard = await done_by(task, until)
    answer = await task
    return answer if heard else b""


def test_a_task_that_asks_is_given_time_to_hear_what_has_arrived(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        other_end = threading.Thread(target=answer_one, args=(listener,))
        other_end.start()
        assert asyncio.run(asked_in_a_task(str(tmp_path / "s"), other_end)) == b"answer"


def test_a_task_that_is_not_done_goes_on() -> None:
    async def ask() -> str:
        loop = asyncio.get_running_loop()
        task = asyncio.create_task(asyncio.sleep(0.05, "answer"))
        assert not await done_by(task, loop.time() + 0.01)
        assert not await done_by(task, loop.time() - 1)
        return await task

    assert asyncio.run(ask()) == "answer"
