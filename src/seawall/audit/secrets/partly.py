"""What a match in a part of a text says of all of it. A part has whole lines, but for very long ones."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from seawall.audit.secrets import encoded
from seawall.audit.secrets.deep import look, look_at_lines
from seawall.audit.secrets.found import Sighting
from seawall.audit.secrets.rules import Rule
from seawall.audit.secrets.scanner import LINES_AROUND, Scanner

ALL = 0  # there may be something
LINE = 4096  # bytes: longer ones are looked at with all the text
LONGEST = 4096  # bytes on each side of what differs from another text that a part has at least: see native/reader.c
# As far as encoded._FOLDED may look before it is clear that a word such as `base64` announces nothing: some lines, and
# two of base64.
_HEADERS = re.compile(rb"(?:[^\n]{0,200}\n){1,4}+")
_MOST_HEADERS = 4
_TWO_LINES = re.compile(rb"(?:[ \t]*+[0-9A-Za-z+/_-]*+\r?\n?){2}")
_OF_A_LINE = 201  # bytes, of one that is too long


class Part(NamedTuple):
    """Some of a text, in `data` from `low` to `high`; a newline is before it, or nothing.

    It may be large and have very many matches: nothing here goes through all of it for each.
    """

    data: bytes
    low: int
    high: int
    begins: bool  # where the text does
    ends: bool  # where it does

    def has(self, lines: int, at: int, longest: int) -> bool:
        """Whether so many lines before and after the one that ends behind `at` are here, or so many bytes."""
        first, last = at - longest, at + longest
        before = self.begins or first >= self.low or self.data.count(b"\n", self.low, at) >= lines
        return before and (self.ends or last <= self.high or self.data.count(b"\n", at, self.high) > lines)

    def whole(self, low: int, high: int) -> bool:
        """Whether what stands there does not go on outside, nor may be more than another part has."""
        if low < self.low or high > self.high or high - low > LONGEST:
            return False
        return (low > self.low + 1 or self.begins) and (high < self.high - 1 or self.ends)


class Run:
    """Some encoded text, in which there may be very many forms: what is known of it."""

    def __init__(self, low: int, high: int, whole: bool) -> None:
        self.low = low
        self.high = high
        self.whole = whole
        self.verdicts: dict[int, int | None] = {}  # by how many characters into a group it begins


Runs = dict[tuple[str, int], Run]  # of one `data` the last of each encoding; of two bytes a character at odd places too


def reach(scanner: Scanner, number: int, part: Part, start: int, end: int, runs: Runs | None = None) -> int | None:
    """How many bytes from the match's last on must stay as they are, if there is to be nothing; None: whatever follows.

    ALL if there is something, or if the part is not enough to tell, or another's would not be. `number` is as
    Scanner.matches gives it.
    """
    if number >= len(scanner.rules):
        return _encoded(scanner, scanner.forms[number - len(scanner.rules)], part, end, {} if runs is None else runs)
    rule = scanner.rules[number]
    if rule.in_a_line:
        return ALL if scanner.holds(number, part.data, start if start >= part.low else -1, end) else None
    if rule.multiline or rule.lines > LINES_AROUND or not part.has(rule.lines, end, rule.longest):
        return ALL
    low = max(part.low, end - rule.longest)
    near = part.data[low : min(part.high, end + rule.longest)]
    return ALL if scanner.holds(number, near, max(start - low, -1), end - low) else None


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


def _encoded(scanner: Scanner, form: encoded.Form, part: Part, end: int, runs: Runs) -> int | None:
    if form.phase == encoded.ANNOUNCED:
        return _announced(scanner, form, part, end)
    start = end - len(form.literal)
    kind = form.encoding, 0 if form.encoding == "base64" else start % 2
    run = runs.get(kind)
    if run is None or not (run.low <= start and end <= run.high):
        run = runs[kind] = _run(form, part, start)
    if not run.whole or start < run.low:
        return ALL
    way = encoded.way(form, part.data, run.low, start)
    if way not in run.verdicts:
        inner = encoded.decode(form, part.data[run.low : run.high], end - run.low)[2]
        run.verdicts[way] = ALL if _something(scanner, inner) else None
    return run.verdicts[way]


def _run(form: encoded.Form, part: Part, start: int) -> Run:
    """The encoded text that has a form at `start`, if it is not too long."""
    first = max(part.low, start - LONGEST - 2)
    near = part.data[first : min(part.high, start + LONGEST + 2)]
    low, high = (
        (first + each for each in encoded.extent(form, near, start - first)) if start >= first else (start, start)
    )
    return Run(low, high, part.whole(low, high) and b"\n" not in part.data[low:high])


def _announced(scanner: Scanner, form: encoded.Form, part: Part, end: int) -> int:
    """The text may not change that is announced, or that says that there is none."""
    stop = min(part.high, end + encoded.REACH)
    low, high, inner = encoded.decode(form, part.data, end, stop)
    known = high + 2 if low < high else _until_told(part.data, end, stop)
    if (known > part.high and not part.ends) or (low < high and _something(scanner, inner)):
        return ALL
    return known - end + 1


def _until_told(data: bytes, end: int, stop: int) -> int:
    """Up to where it takes to say that a word such as `base64`, which ends at `end`, announces nothing."""
    headers = _HEADERS.match(data, end, stop)
    if not headers:
        return end + _OF_A_LINE
    lines = _TWO_LINES.match(data, headers.end(), stop)
    assert lines
    if data.count(b"\n", end, headers.end()) == _MOST_HEADERS:
        return lines.end() + 1
    return max(lines.end() + 1, headers.end() + _OF_A_LINE)


def _something(scanner: Scanner, inner: bytes) -> bool:
    """Whether there is something in what was encoded, or it could not be looked into."""
    gaps: list[str] = []
    return bool(look(scanner, inner, gaps) or gaps)
