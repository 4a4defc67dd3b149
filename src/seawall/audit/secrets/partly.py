"""What a match in a part of a text says of all of it. A part has whole lines, but for very long ones."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from seawall.audit.secrets import encoded
from seawall.audit.secrets.deep import Sighting, look, look_at_lines
from seawall.audit.secrets.rules import Rule
from seawall.audit.secrets.scanner import LINES_AROUND, Scanner

ALL = 0  # there may be something
LINE = 4096  # bytes: longer ones are looked at with all the text
LONGEST = 4096  # bytes on each side of what differs from another text that a part has at least: see native/reader.c
_LINES = 6  # after a word such as `base64`, in which encoded text begins that it announces
# As far as encoded._FOLDED may look before it is clear that there is none: some lines, and two of base64.
_HEADERS = re.compile(rb"(?:[^\n]{0,200}\n){1,4}+")
_TWO_LINES = re.compile(rb"(?:[ \t]*+[0-9A-Za-z+/_-]*+\r?\n?){2}")
_OF_A_LINE = 201  # bytes, of one that is too long


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
        """Whether what stands there in `text` does not go on outside, nor may be more than another part has."""
        ends = high < self.high - self.low - 1 or self.ends
        return (low > 1 or self.begins) and ends and high - low <= LONGEST

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
        if number < len(scanner.rules) and scanner.rules[number].in_a_line and high - low < LINE:
            lines[low] = max(lines.get(low, 0), high)
        elif reach(scanner, number, whole, -1, at + 1) == ALL:
            return look(scanner, data, gaps)
    found = look_at_lines(scanner, data, sorted(lines.items()), gaps)
    if all(isinstance(each.hit.rule, Rule) and each.hit.rule.in_a_line for each in found):
        return found
    return look(scanner, data, gaps)  # other lines speak against it, perhaps


def _encoded(scanner: Scanner, form: encoded.Form, part: Part, end: int) -> int | None:
    text = part.text
    if end < len(form.literal):
        return ALL
    low, high, inner = encoded.decode(form, text, end)
    if form.phase == encoded.ANNOUNCED and low == high:
        return _until_told(text, end) if part.ends or text.count(b"\n", end) >= _LINES else ALL
    if form.phase == encoded.ANNOUNCED:
        return ALL if (high == len(text) and not part.ends) or _something(scanner, inner) else high - end + 3
    return ALL if not part.whole(low, high) or b"\n" in text[low:high] or _something(scanner, inner) else None


def _until_told(text: bytes, end: int) -> int:
    """How many bytes from the last of a word such as `base64`, which ends at `end`, say that it announces nothing."""
    headers = _HEADERS.match(text, end)
    if not headers:
        return 1 + _OF_A_LINE
    lines = _TWO_LINES.match(text, headers.end())
    assert lines
    return 1 + max(lines.end() + 1, headers.end() + _OF_A_LINE) - end


def _something(scanner: Scanner, inner: bytes) -> bool:
    """Whether there is something in what was encoded, or it could not be looked into."""
    gaps: list[str] = []
    return bool(look(scanner, inner, gaps) or gaps)
