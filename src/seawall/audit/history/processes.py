"""Processes that are forked when everything is ready, and look at one thing after the other.

Why not concurrent.futures: to import and to end it takes a tenth of a small scan. See docs/decisions/0012.
"""

import contextlib
import gc
import os
import pickle
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from selectors import EVENT_READ, DefaultSelector
from threading import Thread
from typing import Any, Never, TypeVar

from seawall.audit.history.git import end_with_parent

Given = TypeVar("Given")
Answer = TypeVar("Answer")


class ProcessEnded(Exception):
    """A process ended before it answered: it was killed."""


def shared(
    count: int,
    work: Iterable[Given],
    function: Callable[[Given], Answer],
    listed: Callable[[], object] = lambda: None,
) -> Iterator[Answer]:
    """What `function` says of each in `work`, in order; by `count` processes, each as soon as it is free.

    They have all that there is now, but no thread of it. `listed` is called when `work` has come to its end, while
    they go on. Raises what `function` raises, and ProcessEnded.
    """
    ended()  # nothing is forked beside a thread
    processes: list[_Process] = []
    try:
        for _ in range(count):
            processes.append(_Process(function))
        yield from _in_order(_answers(processes, iter(work), listed))
    finally:
        for process in processes:
            process.kill()
        # To take their memory apart takes its time, in which the caller goes on.
        _ending.append(Thread(target=_end, args=(processes,)))
        _ending[-1].start()


_ending: list[Thread] = []


def _end(processes: list["_Process"]) -> None:
    for process in processes:
        process.end()


def ended() -> None:
    """Wait until none is left of those that were killed."""
    while _ending:
        _ending.pop().join()


@contextlib.contextmanager
def ending() -> Iterator[None]:
    """No process is left after it: they have what was open when they began, locks too."""
    try:
        yield
    finally:
        ended()


def _answers(
    processes: list["_Process"], work: Iterator[Given], listed: Callable[[], object]
) -> Iterator[tuple[int, Any]]:
    """With the number of what was given."""
    waiting: deque[tuple[int, Given]] = deque()
    free, busy = list(processes), dict[_Process, int]()
    given, all_there = 0, False
    with DefaultSelector() as selector:
        for process in processes:
            selector.register(process, EVENT_READ)
        while not all_there or waiting or busy:
            if not all_there:
                for each in work:
                    waiting.append((given, each))
                    given += 1
                    break
                else:
                    all_there = True
                    listed()
            while waiting and free:
                process = free.pop()
                busy[process], each = waiting.popleft()
                process.give(each)
            if not busy:
                continue
            for key, _ in selector.select(None if all_there else 0):  # what is not listed yet is listed meanwhile
                process = key.fileobj  # type: ignore[assignment]  # it is what was registered
                answer = process.answer()
                yield busy.pop(process), answer
                free.append(process)


def _in_order(answers: Iterator[tuple[int, Answer]]) -> Iterator[Answer]:
    early, next_one = dict[int, Answer](), 0
    for number, answer in answers:
        early[number] = answer
        while next_one in early:
            yield early.pop(next_one)
            next_one += 1


class _Process:
    """It is given something only when it waits for it, so that neither waits for the other."""

    def __init__(self, function: Callable[[Any], object]) -> None:
        self._id, self._link = fork(partial(_serve, function))

    def fileno(self) -> int:
        return self._link.fileno()

    def give(self, something: object) -> None:
        self._link.say(something)

    def answer(self) -> Any:
        answer = self._link.hear()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def kill(self) -> None:
        os.kill(self._id, signal.SIGKILL)

    def end(self) -> None:
        os.waitpid(self._id, 0)
        self._link.close()


class Link:
    """One end of what joins two processes."""

    def __init__(self, reading: int, writing: int) -> None:
        self._reading, self._writing = os.fdopen(reading, "rb"), os.fdopen(writing, "wb", buffering=0)

    def fileno(self) -> int:
        return self._reading.fileno()

    def say(self, something: object) -> None:
        """Raises ProcessEnded."""
        left = memoryview(pickle.dumps(something))
        try:
            while left:
                left = left[self._writing.write(left) :]
        except BrokenPipeError:
            raise ProcessEnded from None

    def hear(self) -> Any:
        """What the other end says next. Raises ProcessEnded."""
        try:
            return pickle.load(self._reading)
        except (EOFError, pickle.UnpicklingError):
            raise ProcessEnded from None

    def close(self) -> None:
        self._reading.close()
        self._writing.close()


def fork(serve: Callable[[Link], object]) -> tuple[int, Link]:
    """The number of a process that does `serve` alone, and what joins it to this one, with which it ends.

    Ctrl-C is for this one.
    """
    (hears, theirs_says), (theirs_hears, says) = os.pipe(), os.pipe()
    ours, theirs = Link(hears, says), Link(theirs_hears, theirs_says)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        number = os.fork()
        if not number:
            _alone(serve, ours, theirs)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        theirs.close()
    return number, ours


def _alone(serve: Callable[[Link], object], ours: Link, theirs: Link) -> Never:
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # it is what ends us, even where who started us is immune
        end_with_parent()
        ours.close()
        gc.disable()  # what is found is kept, and the rest is in no cycles
        with contextlib.suppress(ProcessEnded):  # nobody asks any more
            serve(theirs)
    except Exception:  # noqa: BLE001  the process's edge: nobody else would tell of it
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(1)  # nothing of what began before it may go on here


def noted(error: Exception) -> Exception:
    """With where it was raised, which does not go from one process to another."""
    import traceback

    error.add_note(traceback.format_exc())
    return error


def _serve(function: Callable[[Any], object], asked_by: Link) -> None:
    while True:
        given = asked_by.hear()
        try:
            answer = function(given)
        except Exception as error:  # noqa: BLE001  who asked raises it
            answer = noted(error)
        asked_by.say(answer)
