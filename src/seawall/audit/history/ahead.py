"""A process that gets ready to read while the command line is imported: on two processors both are done sooner.

It is forked before anything else, so that this imports little.
"""

import contextlib
import os
import pickle
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from socket import socket
from typing import Any

from seawall.audit.history.processes import ProcessEnded, ended, fork, noted

_READY, _DONE = "ready", "done"

_begun: list["Ahead"] = []


def begin() -> None:
    """Before the command line is imported, which asks for it with begun()."""
    _begun.append(Ahead())


@contextlib.contextmanager
def begun() -> Iterator["Ahead | None"]:
    """The one that was begun, until the block ends."""
    ahead = _begun.pop() if _begun else None
    try:
        yield ahead
    finally:
        if ahead:
            ahead.end()


class Ahead:
    """The process. Where it has no rules ready, it ends, and who began it does without."""

    def __init__(self) -> None:
        self._id, self._socket = fork(_serve)
        self._answers = self._socket.makefile("rb")
        self._ready: bool | None = None
        self._dismissed = False
        self._begun: tuple[str, tuple[object, ...]] | None = None  # asked, and nothing of the answer received

    def begin(self, own: Sequence[Path], function: str, *arguments: object) -> None:
        """Ask in advance what will be asked first, of rules to which those in the files `own` belong."""
        self._begun = function, arguments
        self._send((list(own), self._begun))

    @property
    def ready(self) -> bool:
        """Whether it answers what it is asked."""
        if self._ready is None:
            self._ready = self._receive() == _READY
        return self._ready

    def ask(self, told: Callable[[Any], object], function: str, *arguments: object) -> None:
        """A function of everything.py, there. Raises what it raises, and ProcessEnded."""
        asked = function, arguments
        if not self._begun:
            self._send(asked)
        assert self._begun in (None, asked)
        self._begun = None
        while (answer := self._receive()) != _DONE:
            if isinstance(answer, Exception):
                raise answer
            if answer is None:
                raise ProcessEnded
            told(answer)

    def dismiss(self) -> None:
        """Nothing is asked any more: it ends, after those that it has forked."""
        self._send(None)
        self._dismissed = True

    def end(self) -> None:
        """Wait until it has ended, which is at once unless it was dismissed."""
        if not self._dismissed:
            os.kill(self._id, signal.SIGKILL)
        os.waitpid(self._id, 0)
        self._answers.close()
        self._socket.close()

    def _send(self, asked: object) -> None:
        try:
            self._socket.sendall(pickle.dumps(asked))
        except (BrokenPipeError, ConnectionResetError):
            self._ready = False

    def _receive(self) -> Any:
        """None where it has ended."""
        try:
            return pickle.load(self._answers)
        except (EOFError, pickle.UnpicklingError, ConnectionResetError):
            return None


def _serve(asked_by: socket) -> None:
    from seawall.audit.history import everything
    from seawall.audit.secrets.ready import kept

    scanner = kept()
    if scanner:
        scanner.warm()
    stream = asked_by.makefile("rb")
    own, asked = pickle.load(stream)
    scanner = kept(own) if own else scanner
    if not scanner:
        return

    def told(answer: object) -> None:
        asked_by.sendall(pickle.dumps(answer))

    told(_READY)
    while asked:
        function, arguments = asked
        try:
            getattr(everything, function)(told, scanner, *arguments)
            told(_DONE)
        except Exception as error:  # noqa: BLE001  who asked raises it
            told(noted(error))
        asked = pickle.load(stream)
    ended()
