"""Is a place in a docstring, or in a comment such as JSDoc's? Both show readers how something is written."""

import re

_FARTHEST = 1 << 15  # bytes that one may reach back to where it begins
_LINES = 100  # of comments before it, as licences are
# The last line before it with anything but a comment: of a function's or class's head, which may go over lines.
_HEAD = re.compile(rb"[ \t]*(?:(?:async[ \t]+)?def\b|class\b|\)).*:[ \t]*(?:#.*)?\r?")
_PREFIX = re.compile(rb"[ \t]*[rRuU]?")
_STAR = re.compile(rb"[ \t]*(?:/\*)?\*")
_NOTHING = re.compile(rb"[ \t]*(?:#.*)?\r?")


def in_docstring(data: bytes, at: int) -> bool:
    """Whether the text at `at` stands in one, as far as the lines before tell."""
    return _in_pythons(data, at) or _in_comment(data, at)


def _in_comment(data: bytes, at: int) -> bool:
    """Whether its line begins with a star, in a comment that begins with two."""
    low = max(0, at - _FARTHEST)
    line = data.rfind(b"\n", low, at) + 1
    line = max(line, data.rfind(b"\\n", max(low, line), at) + 2)  # as written in maps of sources
    if not _STAR.match(data, line, at):
        return False
    start = data.rfind(b"/*", low, at)
    return start >= 0 and data.startswith(b"/**", start) and data.find(b"*/", start + 3, at) < 0


def _in_pythons(data: bytes, at: int) -> bool:
    start = _quotes(data, at)
    if start < 0 or not _begins(data, start):
        return False
    before = _quotes(data, start)
    return before < 0 or not _begins(data, before)  # else it is the end of what begins there


def _quotes(data: bytes, at: int) -> int:
    low = max(0, at - _FARTHEST)
    last = data.rfind(b'"""', low, at)
    return max(last, data.rfind(b"'''", max(low, last), at))


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
