"""Running the application's own code, which may raise anything, take forever, or leave by sys.exit."""

import importlib
import os
import signal
import sys
import traceback
from types import FrameType, TracebackType

HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep


class Late(BaseException):
    """The deadline passed. Not an Exception, so that `except Exception` in the application does not swallow it."""


class Foreign:
    """`with Foreign(10.0) as call:` keeps whatever the application raises within it as `call.error`.

    `deadline` in seconds; 0 for none. Only in the main thread, where signals arrive.
    """

    def __init__(self, deadline: float = 0.0) -> None:
        self.deadline = deadline
        self.error: BaseException | None = None

    def __enter__(self) -> "Foreign":
        if self.deadline:
            signal.signal(signal.SIGALRM, self._late)
            signal.setitimer(signal.ITIMER_REAL, self.deadline)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if self.deadline:
            signal.setitimer(signal.ITIMER_REAL, 0)
        self.error = error
        return True

    @staticmethod
    def _late(number: int, frame: FrameType | None) -> None:
        raise Late


def explain(error: BaseException) -> str:
    """The traceback as the author of the application wants it: without our frames and the import machinery's."""
    if isinstance(error, SystemExit):
        return f"The application left by sys.exit({error.code!r}) while it was imported.\n"
    whole = traceback.TracebackException.from_exception(error)
    one: traceback.TracebackException | None = whole
    while one is not None:
        theirs = [frame for frame in one.stack if not _ours(frame.filename)]
        one.stack = traceback.StackSummary.from_list(theirs)
        one = one.__cause__ or one.__context__
    where = f"In {sys.executable}:\n" if isinstance(error, ModuleNotFoundError) else ""
    return where + "".join(whole.format())


def _ours(filename: str) -> bool:
    return filename.startswith((HERE, "<frozen importlib")) or filename == importlib.__file__


def last_line(error: BaseException) -> str:
    """The exception in one line."""
    return traceback.format_exception_only(error)[-1].strip()
