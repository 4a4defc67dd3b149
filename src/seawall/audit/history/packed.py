"""Git's packs, read by ourselves: which of their objects may hold a credential. See native/."""

import ctypes
from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any, Literal
from weakref import finalize

from seawall.audit.history.git import Repository
from seawall.audit.secrets.partly import ALL, Part, Runs, reach
from seawall.audit.secrets.scanner import Scanner

PART_BYTES = 1 << 20  # of a pack, that one process reads before it reports
NONE = 0xFFFFFFFF  # where the library has no number; a position: all that is made from the object is to be looked at
# What has been made to have very many matches is not to fill the memory:
POSITIONS = 4096  # of one object that are followed …
LINES = 256  # … and for which only their lines are looked at
AT_ONCE = 1 << 17  # followed together
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


class _Position(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint32) for name in ("object", "at", "reach", "number")]


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


def packs(repository: Repository) -> list["Pack"]:
    """Those of the repository that can be read; others are git's."""
    try:
        library = _library()
    except OSError:  # it says so in `seawall doctor`
        return []
    indexes = sorted((repository.common_dir / "objects" / "pack").glob("*.idx")) if library else []
    found = []
    for index in indexes:
        assert library is not None
        if handle := library.pack_open(bytes(index.with_suffix(".pack")), bytes(index)):
            found.append(Pack(library, handle))
    return [pack for pack in found if pack.hash == repository.hash]  # one of other names is none of its packs


@dataclass(frozen=True)
class Pack:
    """One pack, open until the process ends."""

    library: ctypes.CDLL
    handle: int

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
        count = self.library.pack_parts(self.handle, PART_BYTES, firsts, weights)
        borders = [*firsts[1:count], families][:count]
        return sorted(zip(weights[:count], firsts[:count], borders, strict=True), reverse=True)


@dataclass
class Suspects:
    """Which objects of a part of a pack may hold something."""

    objects: int = 0  # that were gone through
    bytes: int = 0
    wrapped: set[int] = field(default_factory=set)  # perhaps
    positions: dict[int, list[tuple[int, int]]] = field(default_factory=dict)  # where a match ends, and its number
    left: set[int] = field(default_factory=set)  # that were not gone through

    def add(self, positions: Iterable[tuple[int, int, int, int]]) -> None:
        """Those for which something speaks."""
        for object, at, needed, number in positions:
            if needed == ALL and object not in self.wrapped:
                there = self.positions.setdefault(object, [])
                there.append((at, number))
                if len(there) > LINES:
                    self.wrapped.add(object)
                    del self.positions[object]


class Sieve:
    """Tells which objects of a pack may hold a credential."""

    def __init__(self, pack: Pack, scanner: Scanner) -> None:
        self.pack = pack
        self.scanner = scanner
        self._library = pack.library
        longest = 2 * max((rule.longest for rule in scanner.rules), default=0)
        self._reader = self._library.reader_open(pack.handle, longest)
        if not self._reader:
            raise MemoryError
        finalize(self, self._library.reader_close, self._reader)

    def suspects(self, first: int, last: int) -> Suspects:
        """In the families from `first` up to `last`."""
        out = self._reader.contents
        objects, size = out.objects, out.bytes
        found = Suspects()
        positions: set[tuple[int, int, int, int]] = set()
        self._library.reader_begin(self._reader, first, last)
        while self._more(self._library.reader_next(self._reader)):
            found.wrapped.update(_numbers(out.wrapped, out.wrapped_count))
            found.left.update(_numbers(out.left, out.left_count))
            positions.update(self._positions(ctypes.string_at(out.text, out.text_count)))
            if len(positions) > AT_ONCE:
                self._take(positions, found)
        self._take(positions, found)
        found.objects, found.bytes = out.objects - objects, out.bytes - size
        return found

    def _take(self, positions: set[tuple[int, int, int, int]], found: Suspects) -> None:
        """What speaks for something, there and in what is made from it; `positions` are empty then."""
        in_order = sorted(positions)
        positions.clear()
        found.wrapped.update(object for object, at, _, _ in in_order if at == NONE)
        found.add(in_order)
        found.add(self._followed(in_order))
        found.wrapped.update(_numbers(self._reader.contents.left, self._reader.contents.left_count))

    def contents(self, suspects: Suspects) -> Iterator[tuple[int, bytes]]:
        """Of those that may hold something; what cannot be had is left."""
        objects = (suspects.wrapped | suspects.positions.keys()) - suspects.left
        wanted = (ctypes.c_uint32 * len(objects))(*objects)
        self._more(self._library.reader_want(self._reader, wanted, len(wanted)))
        out = self._reader.contents
        while self._more(self._library.reader_next(self._reader)):
            suspects.left |= objects.intersection(_numbers(out.left, out.left_count))
            windows = _numbers(out.windows, 5 * out.window_count)
            for object, at, length in zip(windows[0::5], windows[2::5], windows[3::5], strict=True):
                yield object, ctypes.string_at(out.text + at, length)

    def _followed(self, positions: list[tuple[int, int, int, int]]) -> Iterator[tuple[int, int, int, int]]:
        """The same in other objects, where something speaks for it."""
        there = (_Position * len(positions))(*positions)  # type: ignore[misc]  # ctypes takes tuples
        self._more(self._library.reader_follow(self._reader, there, len(positions)))
        out = self._reader.contents
        numbers = _numbers(out.followed, 4 * out.followed_count)
        return zip(numbers[0::4], numbers[1::4], numbers[2::4], numbers[3::4], strict=True)

    def _positions(self, text: bytes) -> Iterator[tuple[int, int, int, int]]:
        """Object, position, for how many bytes from it on nothing may change if it is to stay nothing, and number."""
        out = self._reader.contents
        windows = _numbers(out.windows, 5 * out.window_count)
        begins = windows[2::5]
        counts: dict[int, int] = {}
        runs: Runs = {}
        for number, start, end in self.scanner.matches(text):
            at = 5 * (bisect(begins, end - 1) - 1)
            if at < 0:
                continue
            object, first, low, length, more = windows[at : at + 5]
            if counts.get(object, 0) > POSITIONS:
                continue
            high = low + length
            stop = min(end, high)  # what goes over into the next window was none
            needed = reach(self.scanner, number, Part(text, low, high, first == 0, more == 0), start, stop, runs)
            if needed is None:
                continue
            counts[object] = counts.get(object, 0) + 1
            if counts[object] <= POSITIONS:
                yield object, first + stop - low - 1, needed, number
            elif counts[object] == POSITIONS + 1:
                yield object, NONE, ALL, 0

    @staticmethod
    def _more(result: int) -> bool:
        if result < 0:
            raise MemoryError
        return result > 0


def _numbers(at: int, count: int) -> Sequence[int]:
    return memoryview(ctypes.string_at(at, 4 * count)).cast("I").tolist() if count else []
