"""Packs and their indexes made by hand, right ones and such as git would never write: gitformat-pack(5)."""

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

COMMIT, TREE, BLOB, TAG, OFS_DELTA, REF_DELTA = 1, 2, 3, 4, 6, 7
HEADER, FANOUT = 8, 1024  # bytes of an index before its names


@dataclass(frozen=True)
class Packed:
    """An object in a pack."""

    kind: int
    data: bytes  # content, or a delta
    back: int = 0  # OFS_DELTA: so many objects before, or after, is the base; 0: itself
    base: bytes = b""  # REF_DELTA: its name
    size: int = -1  # as it is said to be; -1: as it is
    cut: int = 0  # so many bytes of what is compressed are not there
    name: bytes = b""


def varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    text = bytearray()
    while number > 127:
        text.append(number & 127 | 128)
        number >>= 7
    return bytes([*text, number])


def copy(start: int, length: int) -> bytes:
    """An instruction that copies from the base, of at most 0xffffff bytes."""
    code, rest = 128, bytearray()
    for bit, byte in enumerate([*start.to_bytes(4, "little"), *length.to_bytes(3, "little")]):
        if byte:
            code |= 1 << bit
            rest.append(byte)
    return bytes([code, *rest])


def insert(text: bytes) -> bytes:
    """Instructions that insert `text`."""
    return b"".join(bytes([len(text[at : at + 127])]) + text[at : at + 127] for at in range(0, len(text), 127))


def delta(base: int, result: int, *steps: bytes) -> bytes:
    """From one size in bytes to another."""
    return varint(base) + varint(result) + b"".join(steps)


def _head(kind: int, size: int) -> bytes:
    first, rest = size & 15, size >> 4
    return bytes([kind << 4 | first | (128 if rest else 0)]) + (varint(rest) if rest else b"")


def _offset(back: int) -> bytes:
    text = [back & 127]
    while back := back >> 7:
        back -= 1
        text.append(128 | back & 127)
    return bytes(reversed(text))


def named(objects: Sequence[Packed]) -> list[Packed]:
    """With names, for those that have none: of their number."""
    return [
        Packed(**vars(each) | {"name": each.name or hashlib.sha1(b"%d" % number).digest()})
        for number, each in enumerate(objects)
    ]


def pack(objects: Sequence[Packed], hash: int = 20) -> tuple[bytes, list[int]]:
    """The file, and where in it each object is."""
    text, offsets = bytearray(b"PACK" + (2).to_bytes(4, "big") + len(objects).to_bytes(4, "big")), list[int]()
    for number, each in enumerate(objects):
        offsets.append(len(text))
        text += _head(each.kind, len(each.data) if each.size < 0 else each.size)
        if each.kind == OFS_DELTA:
            there = number - each.back
            # One that comes after cannot be said: 1 << 40 is before the pack.
            text += _offset(offsets[-1] - offsets[there] if 0 <= there <= number else 1 << 40)
        elif each.kind == REF_DELTA:
            text += each.base
        compressed = zlib.compress(each.data, 1)
        text += compressed[: len(compressed) - each.cut]
    return bytes(text) + hashlib.new("sha1" if hash == 20 else "sha256", text).digest(), offsets


def index(names: Sequence[bytes], offsets: Sequence[int], trailer: bytes, large: Sequence[int] = ()) -> bytes:
    """Version 2. `offsets` may have their highest bit set: they are then numbers in `large`."""
    order = sorted(range(len(names)), key=lambda number: names[number])
    fanout = [sum(name[0] <= first for name in names) for first in range(256)]
    text = b"\377tOc" + (2).to_bytes(4, "big") + b"".join(each.to_bytes(4, "big") for each in fanout)
    text += b"".join(names[number] for number in order) + b"\0\0\0\0" * len(names)
    text += b"".join(offsets[number].to_bytes(4, "big") for number in order)
    text += b"".join(each.to_bytes(8, "big") for each in large) + trailer
    return text + (hashlib.sha1 if len(trailer) == 20 else hashlib.sha256)(text).digest()


def write(folder: Path, pack: bytes, index: bytes) -> Path:
    """As `p.pack` and `p.idx`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "p.pack").write_bytes(pack)
    (folder / "p.idx").write_bytes(index)
    return folder


def make(folder: Path, objects: Sequence[Packed]) -> Path:
    """A pack of `objects` with its index."""
    all_named = named(objects)
    data, offsets = pack(all_named)
    return write(folder, data, index([each.name for each in all_named], offsets, data[-20:]))
