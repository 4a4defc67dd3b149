"""Archives, compressed files, databases and other wrappings made anew from cleaned parts.

Each function takes the bytes and what cleans a part, and answers None where it is not sure to give back the same but
for what was cleaned: then the caller overwrites the secret where it stands, or removes the whole.
"""

import base64
import bz2
import gzip
import io
import json
import lzma
import re
import sqlite3
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

from seawall.audit.secrets.unwrap import folded, unwrap

_LETTER = re.compile(rb"[0-9A-Za-z+/_-]")

Clean = Callable[[bytes], bytes]
Repack = Callable[[bytes, Clean], bytes]


def repacked(data: bytes, clean: Clean) -> bytes | None:
    """`data` packed anew from cleaned parts; None where it is no wrapping, or one that is damaged."""
    repack = _format(data)
    try:
        return repack(data, clean) if repack else None
    except _DAMAGED:
        return None


def _format(data: bytes) -> Repack | None:
    for magic, offset, repack in _FORMATS:
        if data.startswith(magic, offset):
            return repack
    if data[:1] == b"{" and b'"nbformat"' in data[-300:]:
        return _notebook
    if data[:512].count(0) * 4 > len(data[:512]) and data[2:4] != b"\r\n":
        return _utf16
    return _folded if folded(data) else None


_DAMAGED = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, sqlite3.Error, struct.error,
    OSError, EOFError, ValueError, NotImplementedError, RuntimeError, RecursionError,
)  # fmt: skip


def _folded(data: bytes, clean: Clean) -> bytes:
    """Letter for letter: lines stay as they are."""
    inner = next(unwrap(data))[1]
    new = clean(inner)
    if len(new) != len(inner):
        raise ValueError("lines would have to be folded anew")
    out, text = bytearray(data), base64.b64encode(new).rstrip(b"=")
    if b"-" in data or b"_" in data:
        text = base64.urlsafe_b64encode(new).rstrip(b"=")
    for match, letter in zip(_LETTER.finditer(data), text, strict=False):
        out[match.start()] = letter
    return bytes(out)


def _zip(data: bytes, clean: Clean) -> bytes:
    """Members keep their order, dates, attributes and compression; what stands before the archive stays."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w") as target:
        target.comment = clean(source.comment)
        for info in source.infolist():
            content = clean(source.read(info))
            info.filename = clean(info.filename.encode()).decode()
            info.extra = b""  # times and sizes in other forms: sizes are wrong now
            target.writestr(info, content, info.compress_type)
    return out.getvalue()


def _tar(data: bytes, clean: Clean) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as source:
        kind = tarfile.PAX_FORMAT if data[257:263] == b"ustar\0" else tarfile.GNU_FORMAT
        with tarfile.open(fileobj=out, mode="w", format=kind) as target:
            for info in source:
                member = source.extractfile(info) if info.isfile() else None
                content = clean(member.read()) if member else b""
                info.size = len(content) if member else info.size
                for name in ("name", "linkname", "uname", "gname"):
                    text = getattr(info, name).encode("utf-8", "surrogateescape")
                    setattr(info, name, clean(text).decode("utf-8", "surrogateescape"))
                info.pax_headers = {}
                target.addfile(info, io.BytesIO(content))
    return out.getvalue()


def _gzip(data: bytes, clean: Clean) -> bytes:
    seconds = struct.unpack_from("<I", data, 4)[0]
    return gzip.compress(clean(gzip.decompress(data)), mtime=seconds)


def _bz2(data: bytes, clean: Clean) -> bytes:
    return bz2.compress(clean(bz2.decompress(data)))


def _xz(data: bytes, clean: Clean) -> bytes:
    return lzma.compress(clean(lzma.decompress(data)))


def _sqlite(data: bytes, clean: Clean) -> bytes:
    """Every text and blob cleaned by SQL, which keeps indexes right; VACUUM leaves out what was deleted before."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.text_factory = bytes
    try:
        connection.deserialize(data[:18] + b"\1\1" + data[20:])
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.create_function("cleaned", 1, lambda value: _same_type(value, clean), deterministic=True)
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'sqlite_*'")
        for name in [_quoted(row[0]) for row in names.fetchall()]:
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({name})").fetchall()]
            for column in map(_quoted, columns):
                connection.execute(
                    f"UPDATE {name} SET {column} = cleaned({column}) WHERE {column} IS NOT cleaned({column})"
                )
        connection.execute("VACUUM")
        result = connection.serialize()
    finally:
        connection.close()
    return result[:18] + data[18:20] + result[20:]


def _same_type(value: Any, clean: Clean) -> Any:
    if isinstance(value, str):
        return clean(value.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")
    return clean(value) if isinstance(value, bytes) else value


def _quoted(name: bytes) -> str:
    return '"' + name.decode().replace('"', '""') + '"'


def _notebook(data: bytes, clean: Clean) -> bytes:
    """Cells' lines are cleaned together: a key goes over many. Written as Jupyter writes it."""
    text = json.dumps(_cleaned(json.loads(data), clean), indent=1, ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass") + (b"\n" if data.endswith(b"\n") else b"")


def _cleaned(value: Any, clean: Clean) -> Any:
    if isinstance(value, str):
        return clean(value.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")
    if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
        text = clean("".join(value).encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")
        return text.splitlines(keepends=True) if text != "".join(value) else value
    if isinstance(value, list):
        return [_cleaned(each, clean) for each in value]
    return {key: _cleaned(each, clean) for key, each in value.items()} if isinstance(value, dict) else value


def _recoded(data: bytes, clean: Clean, encoding: str) -> bytes:
    text = data.decode(encoding, "surrogatepass")
    return (
        clean(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass").encode(encoding, "surrogatepass")
    )


def _utf16(data: bytes, clean: Clean) -> bytes:
    big = data.startswith(b"\xfe\xff") or data[:512:2].count(0) > data[1:512:2].count(0)
    return _recoded(data, clean, "utf-16-be" if big else "utf-16-le")


def _utf32(data: bytes, clean: Clean) -> bytes:
    return _recoded(data, clean, "utf-32-le")


_FORMATS: tuple[tuple[bytes, int, Repack], ...] = (
    (b"PK\x03\x04", 0, _zip),
    (b"\x1f\x8b\x08", 0, _gzip),
    (b"BZh", 0, _bz2),
    (b"\xfd7zXZ\0", 0, _xz),
    (b"SQLite format 3\0", 0, _sqlite),
    (b"ustar", 257, _tar),
    (b"\xff\xfe\0\0", 0, _utf32),
    (b"\xff\xfe", 0, _utf16),
    (b"\xfe\xff", 0, _utf16),
)
