"""Texts with a credential in them, and almost the same ones in which it is none: from a fixed seed."""

import base64
import gzip
import io
import random
import zipfile
from collections.abc import Callable, Iterator

from seawall.audit.secrets.deep import look
from seawall.audit.secrets.scanner import Scanner
from tests.audit.history.packing import copy, delta, insert

WORDS = b"def weave (cards): return sum # loom = 1 value: name: flowers leaves".split()
MARKS = (b"", b"x", b"-", b'"', b"!", b"\n", b" ", b"=", b"\\", b"A", b"\r\n")
REMARKS = (b"example", b"changeme", b"xxxxx", b" # noqa: S105", b" # nosec")


def line(source: random.Random, words: int) -> bytes:
    """Some words, without a credential."""
    return b" ".join(source.choices(WORDS, k=words))


def lines(source: random.Random, count: int) -> bytes:
    """Some lines, many short, some empty, none a credential."""
    return b"".join(line(source, source.randrange(9)) + b"\n" for _ in range(count))


def _quoted(text: bytes) -> bytes:
    return b'x = "' + text + b'"'


def _wide(text: bytes) -> bytes:
    return text.decode("latin-1").encode("utf-16-le")


def _zipped(text: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a", text)
    return file.getvalue()


def _announced(text: bytes, source: random.Random) -> bytes:
    headers = b"".join(line(source, source.choice((1, 5, 25))) + b"\n" for _ in range(source.randrange(5)))
    return b"base64\n" + headers + base64.encodebytes(text)


def _folded(text: bytes, source: random.Random) -> bytes:
    coded, width = base64.b64encode(text), source.choice((16, 20, 64, 76, 600, 5000))
    return b"!!binary |\n" + b"".join(b"  " + coded[at : at + width] + b"\n" for at in range(0, len(coded), width))


ENCODED: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    lambda text, _: _quoted(base64.b64encode(text)),
    lambda text, _: _quoted(text.hex().encode()),
    lambda text, _: b"x = " + _wide(text),
    lambda text, _: _quoted(base64.b64encode(_wide(text))),
    lambda text, _: _quoted(base64.b64encode(text).hex().encode()),
    lambda text, _: base64.b64encode(text),
    lambda text, _: base64.encodebytes(text),
    lambda text, _: _quoted(base64.b64encode(_zipped(text))),
    lambda text, source: _quoted(
        base64.b64encode(gzip.compress(source.randbytes(source.choice((9, 999, 20000))) + text))
    ),
    _announced,
    _folded,
)


def planted(rules: Scanner, source: random.Random) -> bytes:
    """A credential, of a rule that looks at several lines more often, as it is or encoded."""
    wide = [rule for rule in rules.rules if rule.positive and (rule.lines or rule.multiline)]
    rule = source.choice(wide if source.random() < 0.5 else [each for each in rules.rules if each.positive])
    text = source.choice(rule.positive).encode()
    if source.random() < 0.5:
        return text
    before, after = (
        bytes(source.choices(b"abcdefgh ", k=source.choice((0, 1, 2, 3, 99, 999, 7000)))) for _ in range(2)
    )
    return source.choice(ENCODED)(before + b"\n" + text + b"\n" + after, source)


def around(text: bytes, source: random.Random) -> tuple[bytes, bytes, bytes]:
    """It, with what comes before and after it in a file."""
    before, after = lines(source, source.randrange(30)), b"\n" + lines(source, source.randrange(5, 60))
    long = line(source, source.choice((10, 3000, 9000)))
    match source.randrange(10):
        case 0:
            before = before.replace(b"\n", b" ") + long + b" "
        case 1:
            after = b" " + long + after
        case 2:
            before += b"base64 "
        case 3:
            after = b""
        case 4:
            text = text.replace(b"\n", b"\r\n")
        case 5:
            before, after = before + b"\n\n\n", b"\n\n\n" + after
    return before, text, after


def changed(text: bytes, first: int, last: int, source: random.Random) -> bytes:
    """With one small change somewhere from `first` to `last`, or not far from there."""
    wide = source.choice((0, 0, 2, 60, 600))
    at = source.randrange(max(0, first - wide), min(len(text), last + wide) or 1)
    start, newline = text.rfind(b"\n", 0, at) + 1, text.find(b"\n", at)
    stop = newline + 1 if newline >= 0 else len(text)
    after = text.find(b"\n", stop) + 1 or len(text)
    match source.randrange(9):
        case 0 | 1:
            return text[:at] + source.choice(MARKS) + text[at + 1 :]
        case 2 | 3:
            return text[:at] + source.choice(MARKS) + text[at:]
        case 4:
            return text[: stop - 1] + text[stop:]
        case 5:
            return text[:start] + text[stop:]
        case 6:
            return text[:start] + line(source, source.randrange(9)) + b"\n" + text[start:]
        case 7:
            return text[:start] + text[stop:after] + text[start:stop] + text[after:]
    return text[:at] + source.choice(REMARKS) + text[at:]


def almost(rules: Scanner, source: random.Random, count: int) -> Iterator[tuple[bytes, bytes]]:
    """Pairs of a text in which nothing is and one in which something is."""
    while count:
        before, text, after = around(planted(rules, source), source)
        good = before + text + after
        if not look(rules, good, []) or look(rules, before + after, []):
            continue
        for _ in range(10):
            bad = changed(good, len(before), len(before) + len(text), source)
            if count and not look(rules, bad, []):
                yield bad, good
                count -= 1


def difference(base: bytes, text: bytes) -> bytes:
    """The delta that inserts least."""
    first = _same(base, text)
    last = min(_same(base[::-1], text[::-1]), min(len(base), len(text)) - first)
    steps = [copy(0, first)] if first else []
    steps.append(insert(text[first : len(text) - last]))
    steps += [copy(len(base) - last, last)] if last else []
    return delta(len(base), len(text), *steps)


def _same(one: bytes, other: bytes) -> int:
    """How many bytes at their beginnings."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle - 1)
    return low
