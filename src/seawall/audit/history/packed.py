"""Git's packs, as a library of ours reads them: see native/."""

import ctypes
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, cached_property
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any, Literal

from seawall.audit.history.git import Repository

PART_BYTES = 1 << 19  # of a pack, that one process reads before it reports, …
LEAST_BYTES = PART_BYTES // 8  # … and of the last parts, so that all processes are done at about the same time
NONE = 0xFFFFFFFF  # where the library has no number; a position: all that is made from the object is to be looked at
_LIBRARY = Path(__file__).with_name(f"_packs{EXTENSION_SUFFIXES[0]}")
_SOURCES = Path(__file__).with_name("native")  # in a checkout alone
_KINDS: dict[int, Literal["commit", "tree", "blob", "tag"]] = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}


class _Out(ctypes.Structure):
    """What a reader gives: the first member of its struct."""

    _fields_ = [
        *((name, ctypes.c_void_p) for name in ("text", "windows", "wrapped", "left", "followed")),
        *((f"{name}_count", ctypes.c_uint64) for name in ("text", "window", "wrapped", "left", "followed")),
        *((name, ctypes.c_uint64) for name in ("objects", "bytes")),
    ]


_SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "pack_open": (ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_char_p]),
    "pack_count": (ctypes.c_uint32, [ctypes.c_void_p]),
    "pack_hash": (ctypes.c_uint32, [ctypes.c_void_p]),
    "pack_families": (ctypes.c_uint32, [ctypes.c_void_p]),
    "pack_names": (ctypes.c_void_p, [ctypes.c_void_p]),
    "pack_kind": (ctypes.c_uint8, [ctypes.c_void_p, ctypes.c_uint32]),
    "pack_unknown": (ctypes.c_uint32, [ctypes.c_void_p, ctypes.c_void_p]),
    "pack_parts": (ctypes.c_uint32, [ctypes.c_void_p, ctypes.c_uint64, ctypes.c_void_p, ctypes.c_void_p]),
    "pack_lacking": (ctypes.c_uint32, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint32, ctypes.c_void_p]),
    "history_open": (ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_uint32]),
    "history_close": (None, [ctypes.c_void_p]),
    "history_stop": (None, [ctypes.c_void_p]),
    "history_read": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]),
    "history_paths": (ctypes.c_uint32, [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]),
    "history_id": (ctypes.c_uint32, [ctypes.c_void_p, ctypes.c_char_p]),
    "history_ids": (ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_void_p]),
    "history_select": (
        ctypes.c_size_t,
        [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_void_p],
    ),
    "history_strangers": (ctypes.c_uint32, [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]),
    "history_elsewhere": (ctypes.c_uint32, [ctypes.c_void_p, ctypes.c_void_p]),
    "history_mark": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]),
    "history_marked": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_uint32]),
    "reader_open": (ctypes.POINTER(_Out), [ctypes.c_void_p, ctypes.c_uint32]),
    "reader_close": (None, [ctypes.c_void_p]),
    "reader_begin": (None, [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32]),
    "reader_want": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]),
    "reader_next": (ctypes.c_int, [ctypes.c_void_p]),
    "reader_follow": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]),
}


@cache
def _library() -> ctypes.CDLL | None:
    """None where it was not built, or from other sources than those here: there git reads everything."""
    if not _LIBRARY.exists() or _newest(_SOURCES.glob("*.[ch]")) > _newest([_LIBRARY]):
        return None
    library = ctypes.CDLL(str(_LIBRARY))
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def _newest(files: Iterable[Path]) -> float:
    return max((file.stat().st_mtime for file in files), default=0.0)


def available() -> bool:
    """Whether packs can be read by ourselves. Raises OSError where the library does not fit this machine."""
    return _library() is not None


def readable(repository: Repository) -> bool:
    """Whether there are packs that we may be able to read."""
    try:
        return available() and bool(_indexes(repository))
    except OSError:  # it says so in `seawall doctor`
        return False


def packs(repository: Repository) -> list["Pack"]:
    """Those of the repository that can be read; others are git's."""
    if not readable(repository):
        return []
    found, library = [], _library()
    assert library is not None
    for index in _indexes(repository):
        if handle := library.pack_open(bytes(index.with_suffix(".pack")), bytes(index)):
            found.append(Pack(library, handle, index.name))
    return [pack for pack in found if pack.hash == repository.hash]  # one of other names is none of its packs


def _indexes(repository: Repository) -> list[Path]:
    return sorted((repository.common_dir / "objects" / "pack").glob("*.idx"))


class Pack:
    """One pack, open until the process ends."""

    def __init__(self, library: ctypes.CDLL, handle: int, index: str) -> None:
        self.library = library
        self.handle = handle
        self.index = index  # the file's name

    @cached_property
    def count(self) -> int:
        """Of objects."""
        return int(self.library.pack_count(self.handle))

    @cached_property
    def hash(self) -> int:
        """Bytes of a name."""
        return int(self.library.pack_hash(self.handle))

    def names(self) -> Iterator[str]:
        """Of all objects, trees too."""
        length = 2 * self.hash
        text = ctypes.string_at(self.library.pack_names(self.handle), self.count * self.hash).hex()
        return (text[at : at + length] for at in range(0, len(text), length))

    def name(self, object: int) -> str:
        return ctypes.string_at(self.library.pack_names(self.handle) + object * self.hash, self.hash).hex()

    def lacking(self, names: Sequence[str]) -> list[str]:
        """Those of `names` that are not here, nor said to be."""
        numbers = (ctypes.c_uint32 * len(names))()
        count = self.library.pack_lacking(self.handle, bytes.fromhex("".join(names)), len(names), numbers)
        return [names[each] for each in numbers[:count]]

    def kind(self, object: int) -> Literal["commit", "tree", "blob", "tag"]:
        return _KINDS[self.library.pack_kind(self.handle, object)]

    def unknown(self) -> list[str]:
        """Names of objects whose kind cannot be told."""
        objects = (ctypes.c_uint32 * self.count)()
        return [self.name(each) for each in objects[: self.library.pack_unknown(self.handle, objects)]]

    def parts(self) -> list[tuple[int, int, int]]:
        """All but trees in parts, the largest first: bytes in the pack; from which family to which they go."""
        families = self.library.pack_families(self.handle)
        firsts, weights = (ctypes.c_uint32 * families)(), (ctypes.c_uint64 * families)()
        count = self.library.pack_parts(self.handle, LEAST_BYTES, firsts, weights)
        found, first, weight, left = [], 0, 0, sum(weights[:count])
        for border, more in zip([*firsts[1:count], families], weights[:count], strict=False):
            weight += more
            if weight >= min(PART_BYTES, max(LEAST_BYTES, left // 8)) or border == families:
                found.append((weight, first, border))
                first, weight, left = border, 0, left - weight
        return sorted(found, reverse=True)
