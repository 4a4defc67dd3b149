"""What a match in a part of a text says of all of it. A part has whole lines, but for very long ones."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from seawall.audit.secrets import encoded
from seawall.audit.secrets.deep import Sighting, look, look_at_lines
from seawall.audit.secrets.scanner import LINES_AROUND, Scanner

ALL = 0  # there may be something
LONGEST = 4096  # bytes on each side of what differs from another text that a part has at least: see native/reader.c
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

    def whole(self, low: int, high: int) -> bool:
        """Whether what stands there in the text does not go on outside, nor where another part may not have it all."""
        length = self.high - self.low
        return (low > 1 or self.begins) and (high < length - 1 or self.ends) and high - low <= LONGEST

    @property
    def text(self) -> bytes:
        return self.data[self.low : self.high]


def reach(scanner: Scanner, number: int, part: Part, start: int, end: int) -> int | None:
    """How many bytes from the match's last on must stay as they are, if there is to be nothing; None: whatever follows.

    ALL if there is something, or if the part is not enough to tell, or another's would not be. `number` is as
    Scanner.matches gives it.
    """
    if number >= len(scanner.rules):
        return _encoded(scanner, scanner.forms[number - len(scanner.rules)], part, end - part.low)
    rule = scanner.rules[number]
    if rule.in_a_line:
        return ALL if scanner.holds(number, part.data, start if start >= part.low else -1, end) else None
    if rule.multiline or rule.lines > LINES_AROUND or not part.has(rule.lines, end):
        return ALL
    return ALL if scanner.holds(number, part.text, max(start - part.low, -1), end - part.low) else None


def seen(scanner: Scanner, data: bytes, positions: Iterable[tuple[int, int]], gaps: list[str]) -> list[Sighting]:
    """What `look` finds in `data`, in which all there may be ends at one of the `positions`: with what it is of."""
    whole = Part(data, 0, len(data), True, True)
    lines: dict[int, int] = {}
    for at, number in positions:
        low, high = data.rfind(b"\n", 0, at) + 1, data.find(b"\n", at + 1)
        high = high if high >= 0 else len(data)
        if number < len(scanner.rules) and scanner.rules[number].in_a_line and high - low < LONGEST:
            lines[low] = high
        elif reach(scanner, number, whole, -1, at + 1) == ALL:
            return look(scanner, data, gaps)
    return look_at_lines(scanner, data, sorted(lines.items()), gaps)


def _encoded(scanner: Scanner, form: encoded.Form, part: Part, end: int) -> int | None:
    if end < len(form.literal):
        return ALL
    text, gaps = part.text, list[str]()
    low, high, inner = encoded.decode(form, text, end)
    if form.phase == encoded.ANNOUNCED:
        return _announced(scanner, part, end, high, inner)
    if not part.whole(low, high) or b"\n" in text[low:high] or look(scanner, inner, gaps) or gaps:
        return ALL
    return None


def _announced(scanner: Scanner, part: Part, end: int, high: int, inner: bytes) -> int:
    """The lines in which encoded text may begin may not change, nor the text up to `high` if there is one."""
    text, gaps = part.text, list[str]()
    lines = _BEGINNING.match(text, end)
    if not (lines or part.ends) or (high == len(text) and not part.ends) or look(scanner, inner, gaps) or gaps:
        return ALL
    return max(high, lines.end() if lines else len(text)) - end + 2
