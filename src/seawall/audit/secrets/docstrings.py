"""Is a place in a docstring of Python's? What stands there shows readers how something is written."""

import re

_FARTHEST = 1 << 15  # bytes that one may reach back to where it begins
_LINES = 100  # of comments before it, as licences are
# The last line before it with anything but a comment: of a function's or class's head, which may go over lines.
_HEAD = re.compile(rb"[ \t]*(?:(?:async[ \t]+)?def\b|class\b|\)).*:[ \t]*(?:#.*)?\r?")
_PREFIX = re.compile(rb"[ \t]*[rRuU]?")
_NOTHING = re.compile(rb"[ \t]*(?:#.*)?\r?")


def in_docstring(data: bytes, at: int) -> bool:
    """Whether the text at `at` stands in one, as far as the lines before tell."""
    start = _quotes(data, at)
    if start < 0 or not _begins(data, start):
        return False
    before = _quotes(data, start)
    return before < 0 or not _begins(data, before)  # else it is the end of what begins there


def _quotes(data: bytes, at: int) -> int:
    low = max(0, at - _FARTHEST)
    return max(data.rfind(b'"""', low, at), data.rfind(b"'''", low, at))


def _begins(data: bytes, start: int) -> bool:
    """Whether one may begin at `start`: behind the head of a function or class, or of the file."""
    line = data.rfind(b"\n", 0, start) + 1
    if not _PREFIX.fullmatch(data, line, start):
        return False
    for _ in range(_LINES):
        if not line:
            return True
        before = data.rfind(b"\n", 0, line - 1) + 1
        if not _NOTHING.fullmatch(data, before, line - 1):
            return _HEAD.fullmatch(data, before, line - 1) is not None
        line = before
    return False
