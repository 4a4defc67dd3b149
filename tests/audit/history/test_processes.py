"""Work that processes share: in order, with what goes wrong, and nothing left running."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from seawall.audit.history.processes import ProcessEnded, ended, shared
from tests.patience import PATIENCE, until


def children() -> set[str]:
    with open(f"/proc/self/task/{threading.get_native_id()}/children") as file:
        return set(file.read().split())


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    before = children()
    yield
    ended()
    assert children() == before


def test_answers_are_in_order_and_by_several_processes() -> None:
    def answer(number: int) -> tuple[int, int]:
        time.sleep(0.02 * (number % 3 == 0))
        return number, os.getpid()

    answers = list(shared(3, range(60), answer))
    assert [number for number, _ in answers] == list(range(60))
    assert len({process for _, process in answers} - {os.getpid()}) == 3


def test_no_work() -> None:
    said: list[str] = []
    assert list(shared(2, [], str, lambda: said.append("listed"))) == []
    assert said == ["listed"]


def test_more_processes_than_work() -> None:
    assert list(shared(8, "ab", str.upper)) == ["A", "B"]


def test_large_things_both_ways() -> None:
    work = [bytes([each]) * 3_000_000 for each in range(5)]
    assert list(shared(2, work, lambda data: data * 2)) == [data * 2 for data in work]


def test_work_is_listed_while_they_work(tmp_path: Path) -> None:
    """What takes long to be listed keeps nobody from beginning, nor from going on."""
    told: list[str] = []

    def work() -> Iterator[int]:
        for number in range(5):
            yield number
            until((tmp_path / str(number)).exists, f"work on {number}, which is listed,")
        told.append("all")

    list(shared(2, work(), lambda number: (tmp_path / str(number)).touch(), lambda: told.append("told")))
    assert told == ["all", "told"]


@pytest.mark.parametrize("error", [ValueError("no"), OSError(28, "No space left on device"), MemoryError()])
def test_an_error_is_the_callers(error: Exception) -> None:
    def fails(number: int) -> int:
        if number == 2:
            raise error
        return number

    with pytest.raises(type(error)) as raised:
        list(shared(2, range(5), fails))
    assert str(raised.value) == str(error)
    assert "fails" in raised.value.__notes__[0]


def test_one_is_killed() -> None:
    def killed(number: int) -> int:
        if number == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return number

    with pytest.raises(ProcessEnded):
        list(shared(2, range(9), killed))


def test_one_that_waits_is_killed() -> None:
    """While another works."""
    first = os.getpid()

    def slow(number: int) -> int:
        if number == 0:
            time.sleep(PATIENCE)
        elif os.getpid() != first:
            threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGKILL)).start()
        return number

    began = time.monotonic()
    with pytest.raises(ProcessEnded):
        list(shared(2, range(2), slow))
    assert time.monotonic() - began < PATIENCE / 2


def test_who_asked_gives_up() -> None:
    answers = shared(2, range(1000), lambda number: number)
    assert next(answers) == 0
    answers.close()  # type: ignore[attr-defined]


def test_ctrl_c_is_not_for_them() -> None:
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:

        def answer(number: int) -> int:
            os.kill(os.getpid(), signal.SIGINT)
            return number

        assert list(shared(2, range(6), answer)) == list(range(6))
    finally:
        signal.signal(signal.SIGINT, before)
