"""What a match in a part of a text says of all of it. A part has whole lines, but for very long ones."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from seawall.audit.secrets import encoded
from seawall.audit.secrets.deep import Sighting, look, look_at_lines
from seawall.audit.secrets.scanner import Scanner

ALL = 0  # there may be something
LINE = 4096  # bytes: longer ones are looked at with all the text
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
    if rule.in_a_line:
        return ALL if scanner.holds(number, part.data, start if start >= part.low else -1, end) else None
    if rule.multiline or not part.has(rule.lines, end):
        return ALL
    return ALL if scanner.holds(number, part.text, max(start - part.low, -1), end - part.low) else None


def seen(scanner: Scanner, data: bytes, positions: Iterable[tuple[int, int]], gaps: list[str]) -> list[Sighting]:
    """What `look` finds in `data`, in which all there may be ends at one of the `positions`: with what it is of."""
    whole = Part(data, 0, len(data), True, True)
    lines: dict[int, int] = {}
    for at, number in positions:
        low, high = data.rfind(b"\n", 0, at) + 1, data.find(b"\n", at + 1)
        high = high if high >= 0 else len(data)
        if number < len(scanner.rules) and scanner.rules[number].in_a_line and high - low < LINE:
            lines[low] = high
        elif reach(scanner, number, whole, -1, at + 1) == ALL:
            return look(scanner, data, gaps)
    return look_at_lines(scanner, data, sorted(lines.items()), gaps)


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
