"""Credentials that were encoded: base64, hexadecimal and UTF-16 forms of the rules' keywords give them away.

A keyword has three forms in base64, by where it falls in a group of three bytes; the characters that depend on its
neighbours are left out (RFC 4648, section 4).

Where lines are folded one may end in the midst of a keyword's form, which then is not seen: in lines of 16 characters
every fifth. So folded lines are also decoded where something says that they are base64; see unwrap.py for whole files.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

SHORTEST = 4  # characters of a form: shorter ones are everywhere
REACH = 1 << 16  # bytes to each side of a form that may belong to the same encoded text
_NEAR = 1 << 10  # most end long before
_WRAPPED = b"H4sIA", b"UEsDB"  # gzip and zip at the start of base64
_ANNOUNCING = b"base64", b"BASE64", b"b64decode", b"!!binary"  # in MIME, PEM, shell, code, YAML
ANNOUNCED = -4  # a form's phase: the text comes after it, and begins with a whole group
# Some lines after it at most: headers, an empty line.
_FOLDED = re.compile(
    rb"(?:[^\n]{0,200}\n){1,4}?[ \t]*"
    rb"((?:(?:[0-9A-Za-z+/_-]{4,}\r?\n[ \t]*){2,}|[0-9A-Za-z+/_-]{40,}\r?\n[ \t]*)[0-9A-Za-z+/_-]*)"
)
# What one encoded text is made of; lines may be folded.
_RUN = {
    "base64": re.compile(rb"(?:[0-9A-Za-z+/_-]++|\\n|\r?\n[ \t]*+)*+"),
    "hex": re.compile(rb"[0-9a-fA-F]*+"),
    "UTF-16": re.compile(rb"(?:[\t\n\r -~]\0)*+"),
}
_RUN_BACKWARDS = {
    "base64": re.compile(rb"(?:[0-9A-Za-z+/_-]++|[ \t]*\n\r?)*+"),
    "hex": re.compile(rb"[0-9a-fA-F]*+"),
    "UTF-16": re.compile(rb"(?:\0[\t\n\r -~])*+"),
}


class Form(NamedTuple):
    """What an encoded keyword looks like."""

    literal: bytes
    encoding: str  # "base64", "hex", "UTF-16"
    phase: int = 0  # base64: how many characters into a group of four it begins


def forms(keywords: Iterable[str]) -> tuple[Form, ...]:
    """Every form of every keyword, each literal once."""
    found: dict[bytes, Form] = {literal: Form(literal, "base64") for literal in _WRAPPED}
    found |= {literal: Form(literal, "base64", ANNOUNCED) for literal in _ANNOUNCING}
    for keyword in sorted(set(keywords)):
        plain = keyword.encode()
        wide = keyword.encode("utf-16-le")
        for form in (*_base64(plain), *_base64(wide), Form(plain.hex().encode(), "hex"), Form(wide[:-1], "UTF-16")):
            if len(form.literal) >= SHORTEST:
                found.setdefault(form.literal, form)
    return tuple(found.values())


def _base64(plain: bytes) -> Iterator[Form]:
    for before in range(3):
        first = (before * 8 + 5) // 6  # characters that also hold bits of what comes before
        last = (before + len(plain)) * 8 // 6  # … and after
        text = base64.b64encode(b"\0" * before + plain + b"\0" * 3)[first:last]
        yield Form(text, "base64", first)
        if (other := text.translate(_URL_SAFE)) != text:
            yield Form(other, "base64", first)


_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_STANDARD = bytes.maketrans(b"-_", b"+/")
_NO_LETTERS = re.sub(rb"[0-9A-Za-z+/_-]", b"", bytes(range(256)))


def decode(form: Form, data: bytes, end: int, stop: int | None = None) -> tuple[int, int, bytes]:
    """The encoded text around the form that ends at `end`: its start and end in `data`, and what it says.

    What is announced ends at `stop` at the latest.
    """
    if form.phase == ANNOUNCED:
        match = _FOLDED.match(data, end, end + REACH if stop is None else stop)
        low, high = match.span(1) if match else (end, end)
        return low, high, unfolded(data[low:high])
    start = end - len(form.literal)
    low, high = extent(form, data, start)
    return low, high, _decoded(form, data, low, start, high)


class Decoder:
    """Decodes each encoded text in `data` once for each way it can begin, however many forms are in it."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._announced = 0  # up to where it was decoded
        self._runs: dict[str, _Run] = {}  # the last one of each encoding

    def decode(self, form: Form, end: int) -> tuple[int, int, bytes] | None:
        """See the function; None where that was told before. To be asked in the order of `end`."""
        if form.phase == ANNOUNCED:
            if end <= self._announced:
                return None
            low, self._announced, inner = decode(form, self._data, end)
            return low, self._announced, inner
        start = end - len(form.literal)
        run = self._runs.get(form.encoding)
        if run is None or not run.low <= start < run.sure:
            low, high = extent(form, self._data, start)
            sure = high - _NEAR if high - start > REACH - _NEAR else high  # it may go on
            run = self._runs[form.encoding] = _Run(low, max(sure, end))
        way = run.way(form, self._data, start)
        if way in run.told:
            return None
        run.told.add(way)
        return decode(form, self._data, end)


class _Run:
    """One encoded text."""

    def __init__(self, low: int, sure: int) -> None:
        self.low = low
        self.sure = sure  # up to where it is known whole
        self.at = low  # up to here …
        self.letters = 0  # … there are so many
        self.told: set[int] = set()

    def way(self, form: Form, data: bytes, start: int) -> int:
        """How many characters into a group the text begins, if `form` is at `start`."""
        if form.encoding != "base64":
            return start % 2
        between = len(_letters(data[min(self.at, start) : max(self.at, start)]))
        self.letters += between if start >= self.at else -between
        self.at = start
        return (self.letters - form.phase) % 4


def way(form: Form, data: bytes, low: int, start: int) -> int:
    """How many characters into a group the encoded text that begins at `low` does, if `form` is at `start`."""
    if form.encoding != "base64":
        return start % 2
    return (len(_letters(data[low:start])) - form.phase) % 4


def extent(form: Form, data: bytes, start: int) -> tuple[int, int]:
    """From where to where the encoded text goes that has a form at `start`."""
    for reach in (_NEAR, REACH):
        before = data[max(0, start - reach) : start][::-1]
        back = _length(_RUN_BACKWARDS[form.encoding], before)
        on = _length(_RUN[form.encoding], data[start : start + reach])
        if max(back, on) < _NEAR // 2:  # it ends there, and is not cut off between lines
            break
    if form.encoding == "hex":
        back, on = back & ~1, on & ~1  # two digits a byte
    return start - back, start + on


def _length(run: re.Pattern[bytes], data: bytes) -> int:
    match = run.match(data)
    return match.end() if match else 0


def _decoded(form: Form, data: bytes, low: int, start: int, high: int) -> bytes:
    if form.encoding == "UTF-16":
        return data[low:high:2]
    if form.encoding == "hex":
        return binascii.unhexlify(data[low:high])
    before, after = _letters(data[low:start]), _letters(data[start:high])
    skipped = (len(before) - form.phase) % 4
    return unfolded(before[skipped:] + after)


def unfolded(text: bytes) -> bytes:
    """What base64 says that begins with a whole group, lines or not."""
    text = _letters(text).translate(_STANDARD)
    return base64.b64decode(text[: len(text) // 4 * 4] or b"") + _rest(text)


def _letters(text: bytes) -> bytes:
    return text.replace(b"\\n", b"").translate(None, _NO_LETTERS)


def _rest(text: bytes) -> bytes:
    """What a last group of two or three characters says."""
    rest = text[len(text) // 4 * 4 :]
    return base64.b64decode(rest + b"=" * (-len(rest) % 4)) if len(rest) > 1 else b""
