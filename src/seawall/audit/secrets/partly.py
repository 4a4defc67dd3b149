"""What a match in a part of a text says of all of it. A part has whole lines, but for very long ones."""

import re
from typing import NamedTuple

from seawall.audit.secrets import encoded
from seawall.audit.secrets.deep import look
from seawall.audit.secrets.scanner import Scanner

ALL = 0  # there may be something
# After a word such as `base64`, where encoded text begins if it does: see encoded.py.
_BEGINNING = re.compile(rb"(?:[^\n]*\n){6}")


class Part(NamedTuple):
    """Some of a text, in `data` from `low` to `high`; a newline is before it, or nothing."""

    data: bytes
    low: int
    high: int
    begins: bool  # where the text does
    ends: bool  # where it does

    def has(self, lines: int, at: int) -> bool:
        """Whether so many lines before and after the one that ends behind `at` are here."""
        before, after = self.data.count(b"\n", self.low, at), self.data.count(b"\n", at, self.high)
        return (self.begins or before >= lines) and (self.ends or after > lines)

    @property
    def text(self) -> bytes:
        return self.data[self.low : self.high]


def reach(scanner: Scanner, number: int, part: Part, start: int, end: int) -> int | None:
    """How many bytes from the match's end on must stay as they are, if there is to be nothing; None: whatever follows.

    ALL if there is something, or if the part is not enough to tell. `number` is as Scanner.matches gives it.
    """
    if number >= len(scanner.rules):
        return _encoded(scanner, scanner.forms[number - len(scanner.rules)], part, end - part.low)
    rule = scanner.rules[number]
    if not rule.multiline and not rule.lines:
        return ALL if scanner.holds(number, part.data, start if start >= part.low else -1, end) else None
    if rule.multiline or not part.has(rule.lines, end):
        return ALL
    return ALL if scanner.holds(number, part.text, max(start - part.low, -1), end - part.low) else None


def _encoded(scanner: Scanner, form: encoded.Form, part: Part, end: int) -> int | None:
    text = part.text
    low, high, inner = encoded.decode(form, text, end)
    if form.phase == encoded.ANNOUNCED:
        return _announced(scanner, part, end, (low, high, inner))
    whole = (low > 0 or part.begins) and (high < len(text) or part.ends)
    if not whole or b"\n" in text[low:high] or look(scanner, inner, []):
        return ALL
    return None


def _announced(scanner: Scanner, part: Part, end: int, decoded: tuple[int, int, bytes]) -> int:
    """The lines in which encoded text may begin may not change, nor the text if there is one."""
    _, high, inner = decoded
    text = part.text
    lines = _BEGINNING.match(text, end)
    if not (lines or part.ends) or (high == len(text) and not part.ends) or look(scanner, inner, []):
        return ALL
    return max(high, lines.end() if lines else len(text)) - end + 2
