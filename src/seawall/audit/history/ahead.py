"""A process that gets ready to read while the command line is imported: on two processors both are done sooner.

It is forked before anything else, so that this imports little.
"""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from seawall.audit.history.processes import Link, ProcessEnded, ended, fork, noted

_READY, _DONE = "ready", "done"

_begun: list["Ahead"] = []


def begin() -> None:
    """Before the command line is imported, which asks for it with begun()."""
    with contextlib.suppress(OSError):  # no more processes or files are allowed: without it, then
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
        self._id, self._link = fork(_serve)
        self._ready: bool | None = None
        self._dismissed = False
        self._begun: tuple[str, tuple[object, ...]] | None = None  # asked, and nothing of the answer received

    def begin(self, own: Sequence[Path], function: str, *arguments: object) -> None:
        """Ask in advance what will be asked first, of rules to which those in the files `own` belong."""
        self._begun = function, arguments
        with contextlib.suppress(ProcessEnded):  # it is not ready, then
            self._link.say((list(own), self._begun))

    @property
    def ready(self) -> bool:
        """Whether it answers what it is asked."""
        if self._ready is None:
            try:
                self._ready = self._link.hear() == _READY
            except ProcessEnded:
                self._ready = False
        return self._ready

    def ask(self, told: Callable[[Any], object], function: str, *arguments: object) -> None:
        """A function of everything.py, there. Raises what it raises, and ProcessEnded."""
        asked = function, arguments
        if not self._begun:
            self._link.say(asked)
        assert self._begun in (None, asked)
        self._begun = None
        while (answer := self._link.hear()) != _DONE:
            if isinstance(answer, Exception):
                raise answer
            told(answer)

    def dismiss(self) -> None:
        """Nothing is asked any more: it ends, after those that it has forked."""
        with contextlib.suppress(ProcessEnded):
            self._link.say(None)
        self._dismissed = True

    def end(self) -> None:
        """Wait until it has ended, which is at once unless it was dismissed."""
        if not self._dismissed:
            os.kill(self._id, signal.SIGKILL)
        os.waitpid(self._id, 0)
        self._link.close()


def _serve(asked_by: Link) -> None:
    from seawall.audit.history import everything
    from seawall.audit.secrets.ready import kept

    scanner = kept()
    if scanner:
        scanner.warm()
    own, asked = asked_by.hear()
    scanner = kept(own) if own else scanner
    if not scanner:
        return
    asked_by.say(_READY)
    while asked:
        function, arguments = asked
        try:
            getattr(everything, function)(asked_by.say, scanner, *arguments)
            asked_by.say(_DONE)
        except ProcessEnded:  # one of those that it has forked, or who asks
            raise
        except Exception as error:  # noqa: BLE001  who asked raises it
            asked_by.say(noted(error))
        asked = asked_by.hear()
    ended()
