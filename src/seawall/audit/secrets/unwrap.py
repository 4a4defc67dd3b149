"""Looks into archives, compressed files, databases, compiled Python, notebooks and other encodings of text.

What opens them is imported when there is one: a hook on a commit has no time to lose.
"""

import contextlib
import io
import json
import re
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import IO, Any, Protocol

from seawall.audit.secrets.encoded import unfolded

LIMIT = 64 << 20  # bytes taken out of one wrapping: more is most likely a bomb
MEMBERS = 1000  # of one gzip file
STEP = 256  # bytes, where something is damaged
SQLITE_STEPS = 20_000  # times 1000 instructions of its virtual machine: a database made to loop ends there

_TWO_LINES = re.compile(rb"([0-9A-Za-z+/_-]{4,250})\r?\n([0-9A-Za-z+/_-]+={0,2})\r?(?:\n|\Z)")
_LINES = re.compile(rb"(?:[0-9A-Za-z+/_-]+\r?\n)*[0-9A-Za-z+/_-]*")

Part = tuple[str, bytes]  # what it came out of, and the bytes; see Place.within


class NotWhole(Exception):
    """More than LIMIT bytes would come out, or it is encrypted: the rest was not looked at."""


def unwrap(data: bytes) -> Iterator[Part]:
    """What is wrapped in `data`, one level deep; nothing where it is plain. Raises NotWhole after what could be had.

    What is damaged ends where the damage is: nobody else can open it either.
    """
    take_out = _how(data)
    return take_out(data) if take_out else iter(())


def wrapped(data: bytes) -> bool:
    """Whether there is something to unwrap."""
    return _how(data) is not None


def _how(data: bytes) -> Callable[[bytes], Iterator[Part]] | None:
    for magic, take_out in _BY_START.get(data[:2], ()):
        if data.startswith(magic):
            return take_out
    if data[257:262] == b"ustar":
        return _tar
    if data[2:4] == b"\r\n" and b"\0" in data[4:16]:
        return _pyc
    if b"\0" in data[:8] and _wide(data[:512]):
        return _utf16
    if data[:1] == b"{" and b'"nbformat"' in data[-300:]:
        return _notebook
    return _folded if folded(data) else None


def _wide(beginning: bytes) -> bool:
    """Whether most characters have two bytes, one of them zero: in numbers both may be."""
    even, odd = beginning[::2].count(0), beginning[1::2].count(0)
    return max(even, odd) * 4 > len(beginning) and min(even, odd) * 8 <= max(even, odd)


def folded(data: bytes) -> bool:
    """Whether it is base64 from its beginning: two lines of one length, or a last one that is shorter."""
    match = _TWO_LINES.match(data)
    if not match:
        return False
    first, second = map(len, match.groups())
    return first == second or (first > second and match.end() == len(data))


def _folded(data: bytes) -> Iterator[Part]:
    match = _LINES.match(data)
    yield "base64", unfolded(match[0] if match else b"")


def _read(name: str, stream: IO[bytes]) -> Part:
    return _whole(name, stream.read(LIMIT + 1))


def _whole(name: str, data: bytes) -> Part:
    if len(data) > LIMIT:
        raise NotWhole(f"{name} unpacks to more than {LIMIT >> 20} MB")
    return name, data


def _before_damage(steps: Iterator[bytes], damage: tuple[type[Exception], ...]) -> bytes:
    """What can be had in small steps of what cannot be had at once."""
    data = bytearray()
    with contextlib.suppress(*damage):
        for step in steps:
            data += step
            if len(data) > LIMIT:
                break
    return bytes(data)


def _zip(data: bytes) -> Iterator[Part]:
    """Also Office documents, wheels, jars. What cannot be had of one member hides no other."""
    import lzma
    import zipfile

    # What zipfile raises for damage: fields out of range are ValueErrors.
    damage = (zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError, OSError, ValueError)
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except NotImplementedError:  # it is not damaged: others can open it
        raise NotWhole("zip: it is of a version that is not known here") from None
    except damage:
        return
    refused: list[str] = []
    for info in archive.infolist():
        name = f"zip: {info.filename}"
        if info.flag_bits & 1:
            refused.append(f"{name} is encrypted")
            continue
        del info.CRC  # then it is not checked: unzip, too, hands out what has a wrong one
        try:
            with archive.open(info) as member:
                yield _read(name, member)
        except NotWhole as reason:
            refused.append(str(reason))
        except NotImplementedError:
            refused.append(f"{name} is compressed in a way that is not known here")
        except damage:
            with contextlib.suppress(*damage), archive.open(info) as member:
                if inner := _before_damage(iter(partial(member.read, STEP), b""), damage):
                    yield _whole(name, inner)
    if refused:
        more = f", and {len(refused) - 1} more members" if len(refused) > 1 else ""
        raise NotWhole(refused[0] + more)


def _tar(data: bytes) -> Iterator[Part]:
    import tarfile

    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            for info in archive:
                if member := archive.extractfile(info) if info.isfile() else None:
                    yield _read(f"tar: {info.name}", member)
    except (tarfile.TarError, EOFError, OSError, ValueError):
        return


def _gzip(data: bytes) -> Iterator[Part]:
    """By zlib, which needs no checksum at the end: what follows or is cut off does not hide what comes before."""
    for _ in range(MEMBERS):
        stream = zlib.decompressobj(wbits=31)
        yield from _inflated("gzip", data, stream, zlib.decompressobj(wbits=31))
        data = stream.unused_data.lstrip(b"\0")
        if not data.startswith(b"\x1f\x8b"):
            return


def _bz2(data: bytes) -> Iterator[Part]:
    import bz2

    yield from _inflated("bzip2", data, bz2.BZ2Decompressor(), bz2.BZ2Decompressor())


def _xz(data: bytes) -> Iterator[Part]:
    import lzma

    yield from _inflated("xz", data, lzma.LZMADecompressor(), lzma.LZMADecompressor())


class _Decompressor(Protocol):
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def _inflated(name: str, data: bytes, stream: _Decompressor, again: _Decompressor) -> Iterator[Part]:
    """At once; `again` where it is damaged."""
    import lzma

    damage = (zlib.error, lzma.LZMAError, OSError, EOFError)
    try:
        inner = stream.decompress(data, LIMIT + 1)
    except damage:
        steps = (again.decompress(data[at : at + STEP], LIMIT + 1) for at in range(0, len(data), STEP))
        if not (inner := _before_damage(steps, damage)):
            return
    yield _whole(name, inner)


def _sqlite(data: bytes) -> Iterator[Part]:
    """Every text of every table, a line each: in the file they touch one another. Deleted rows are in the raw bytes."""
    import sqlite3

    connection = sqlite3.connect(":memory:")
    steps = iter(range(SQLITE_STEPS))
    connection.set_progress_handler(lambda: next(steps, None) is None, 1000)
    connection.text_factory = bytes
    try:
        # A database in WAL mode would ask for its other file: say that it is an ordinary one (file format, 1.3).
        connection.deserialize(data[:18] + b"\1\1" + data[20:])
        connection.execute("PRAGMA trusted_schema = OFF")
        names = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
        )
        for name in [row[0].decode() for row in names]:
            quoted = name.replace('"', '""')
            rows = connection.execute(f'SELECT * FROM "{quoted}"')
            yield f"sqlite: {name}", b"\n".join(value for row in rows for value in row if isinstance(value, bytes))
    except (sqlite3.Error, UnicodeDecodeError):
        return
    finally:
        connection.close()


# marshal's strings: a type, a length of 1 or 4 bytes, the text (Python/marshal.c). The type may have its flag 0x80 set.
_MARSHALLED = re.compile(rb"[zZ\xda\xfa](.)|[aAust\xe1\xc1\xf5\xf3\xf4](....)", re.DOTALL)


def _pyc(data: bytes) -> Iterator[Part]:
    """The strings of compiled Python, a line each. Not unmarshalled: that is unsafe for what others wrote."""
    strings, at = [], 16
    while match := _MARSHALLED.search(data, at):
        at, length = match.start() + 1, int.from_bytes(match[1] or match[2], "little")
        if 4 <= length <= len(data) - match.end():
            strings.append(data[match.end() : match.end() + length])
    yield "pyc", b"\n".join(strings)


def _utf16(data: bytes) -> Iterator[Part]:
    """Text in two bytes a character, with or without a byte order mark."""
    big = data.startswith(b"\xfe\xff") or data[:512:2].count(0) > data[1:512:2].count(0)
    yield "UTF-16", data.decode("utf-16-be" if big else "utf-16-le", "replace").encode()


def _utf32(data: bytes) -> Iterator[Part]:
    yield "UTF-32", data.decode("utf-32", "replace").encode()


def _notebook(data: bytes) -> Iterator[Part]:
    """Cells as the text they are, without JSON's quotes and escapes."""
    try:
        cells = json.loads(data).get("cells", [])
        yield "notebook", "\n".join(_strings(cells)).encode("utf-8", "surrogatepass")
    except (ValueError, AttributeError, RecursionError):
        return


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list) and all(isinstance(each, str) for each in value):
        yield "".join(value)  # a cell's lines end with \\n themselves
    elif isinstance(value, list | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _strings(each)


_FORMATS: tuple[tuple[bytes, Callable[[bytes], Iterator[Part]]], ...] = (
    (b"PK\x03\x04", _zip),
    (b"\x1f\x8b\x08", _gzip),
    (b"BZh", _bz2),
    (b"\xfd7zXZ\0", _xz),
    (b"SQLite format 3\0", _sqlite),
    (b"\xff\xfe\0\0", _utf32),
    (b"\xff\xfe", _utf16),
    (b"\xfe\xff", _utf16),
)
_BY_START = {magic[:2]: [each for each in _FORMATS if each[0][:2] == magic[:2]] for magic, _ in _FORMATS}
