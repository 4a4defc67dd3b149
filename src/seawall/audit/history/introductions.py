"""Which objects commits bring in, and under which paths: by comparing trees ourselves, or as `git log` says."""

import ctypes
import os
import re
from bisect import bisect
from collections.abc import Container, Iterable, Iterator, Sequence
from functools import cached_property
from mmap import mmap
from weakref import finalize

from seawall.audit.history.git import Repository
from seawall.audit.history.objects import Store
from seawall.audit.history.packed import NONE, Pack

Row = tuple[str, int, str]  # object, commit by its number in the order read, path
_PARENTS = 32  # of a merge
SUBMODULE = ""  # instead of an object, which is in another repository


class Damaged(Exception):
    """A tree is not there, or not as it should be."""


class ByTrees:
    """Compares each commit's tree with those of its parents; see native/history.c."""

    def __init__(self, repository: Repository, packs: Sequence[Pack]) -> None:
        self._library = packs[0].library
        self._packs = packs
        self._hash = packs[0].hash
        self._handles = (ctypes.c_void_p * len(packs))(*(pack.handle for pack in packs))
        folder = os.fsencode(repository.common_dir / "objects")
        self._history = self._library.history_open(self._handles, len(packs), folder, self._hash)
        if not self._history:
            raise MemoryError
        finalize(self, self._library.history_close, self._history)

    def read(self, commits: Iterable[Sequence[str]]) -> None:
        """Each commit as its tree and those of its parents. Raises Damaged."""
        listed = list(commits)
        if max(map(len, listed), default=0) > 1 + _PARENTS:
            raise Damaged
        lines = b"".join(bytes([len(trees) - 1]) + bytes.fromhex("".join(trees)) for trees in listed)
        if not self._library.history_read(self._history, lines, len(lines)):
            raise Damaged

    def stop(self) -> None:
        """End what another thread reads: it raises Damaged."""
        self._library.history_stop(self._history)

    @cached_property
    def paths(self) -> list[str]:
        """All there ever were, of files and folders."""
        text, ends = ctypes.c_void_p(), ctypes.c_void_p()
        count = self._library.history_paths(self._history, ctypes.byref(text), ctypes.byref(ends))
        if not count:
            return []
        borders = memoryview(ctypes.string_at(ends.value or 0, 8 * count)).cast("Q").tolist()
        whole = ctypes.string_at(text.value or 0, borders[-1])
        return [whole[low:high].decode("utf-8", "replace") for low, high in zip([0, *borders], borders, strict=False)]

    def of(self, objects: Iterable[str]) -> Iterator[Row]:
        """Where `objects` came in."""
        return self._select(map(self._number, objects), by_path=False)

    def at(self, paths: Container[str]) -> Iterator[Row]:
        """What came in at `paths`."""
        return self._select((number for number, path in enumerate(self.paths) if path in paths), by_path=True)

    def _select(self, numbers: Iterable[int], by_path: bool) -> Iterator[Row]:
        listed = list(numbers)
        wanted = (ctypes.c_uint32 * len(listed))(*listed)
        count = self._library.history_select(self._history, wanted, len(listed), by_path, None)
        found = (ctypes.c_uint32 * (3 * count))()
        self._library.history_select(self._history, wanted, len(listed), by_path, found)
        rows = found[:]
        for commit, id, path in zip(rows[0::3], rows[1::3], rows[2::3], strict=True):
            yield self._name(id) if id != NONE else SUBMODULE, commit, self.paths[path]

    @cached_property
    def _names(self) -> bytes:
        count = ctypes.c_uint32()
        text = self._library.history_ids(self._history, ctypes.byref(count))
        return ctypes.string_at(text, count.value * self._hash) if count.value else b""

    def _name(self, id: int) -> str:
        return self._names[id * self._hash : (id + 1) * self._hash].hex()

    def absent(self, store: Store) -> set[str]:
        """Objects that stand in commits and are not there."""
        numbers = (ctypes.c_uint32 * (len(self._names) // self._hash))()
        elsewhere = numbers[: self._library.history_elsewhere(self._history, numbers)]
        return store.lacking(map(self._name, elsewhere))

    def strangers(self, store: Store) -> set[str]:
        """Objects that stand in no commit; commits too where they are in no pack."""
        found = {name for name in store.others if self._number(name) == NONE}
        for pack in self._packs:
            numbers = (ctypes.c_uint32 * pack.count)()
            count = self._library.history_strangers(self._history, pack.handle, numbers)
            found.update(pack.name(each) for each in numbers[:count])
        return found

    def _number(self, name: str) -> int:
        return int(self._library.history_id(self._history, bytes.fromhex(name)))

    def mark(self, trees: Iterable[str]) -> None:
        """Remember what stands in the `trees` of tips, before anything is read. Raises Damaged."""
        ids = [bytes.fromhex(name) for name in trees]
        if not self._library.history_mark(self._history, b"".join(ids), len(ids)):
            raise Damaged

    def in_tips(self, wanted: Iterable[str]) -> set[str]:
        """Those of `wanted` that stand in a tip."""
        return {name for name in wanted if self._library.history_marked(self._history, self._number(name))}


# What a raw line, `:modes… names… status`, says stands there now is the last of its names.
_RAW = re.compile(rb"^:[^\t\n]* ([0-9a-f]{40,64}) [A-Z]+\t(.*)$", re.MULTILINE)
# What stands there now has the last of the modes: a submodule that becomes a file is none any more.
_SUBMODULE = re.compile(rb"^:+(?:[0-7]{6} )*160000 (?:[0-9a-f]{40,64} )*([0-9a-f]{40,64}) [A-Z]+\t", re.MULTILINE)


class ByLog:
    """Takes what `git log --raw` says apart."""

    def __init__(self) -> None:
        self._introduced: set[bytes] = set()  # blobs, trees
        self._paths: dict[str, bytes] = {}  # and as git prints them
        self._texts: list[tuple[mmap, list[int], int]] = []  # where in it which commit begins, and the first's number

    def read(self, text: mmap, starts: list[int], first: int, trees: Iterable[str]) -> None:
        """A text of git's; where in it its commits begin, the number of the first, and their trees."""
        there = _RAW.findall(text)
        self._introduced.update(name for name, _ in there)
        self._introduced.update(map(str.encode, trees))
        self._paths.update((unquote(path), path) for path in {path for _, path in there})
        if text.find(b" 160000 ") >= 0:
            self._introduced.difference_update(_SUBMODULE.findall(text))  # commits of other repositories
        self._introduced.discard(b"0" * len(next(iter(self._introduced), b"")))  # what a deletion leaves
        self._texts.append((text, starts, first))

    @property
    def paths(self) -> Iterable[str]:
        """All there ever were, of files and folders."""
        return self._paths

    def of(self, objects: Iterable[str]) -> Iterator[Row]:
        """Where `objects` came in."""
        return self._matching(1, {name.encode() for name in objects})

    def at(self, paths: Iterable[str]) -> Iterator[Row]:
        """What came in at `paths`."""
        return self._matching(2, {self._paths[path] for path in paths if path in self._paths})

    def _matching(self, group: int, wanted: Container[bytes]) -> Iterator[Row]:
        for text, starts, first in self._texts:
            for match in _RAW.finditer(text):
                if match[group] in wanted:
                    yield match[1].decode(), first + bisect(starts, match.start()) - 1, unquote(match[2])

    def absent(self, store: Store) -> set[str]:
        """Objects that stand in commits and are not there."""
        return store.lacking(map(bytes.decode, self._introduced))

    def strangers(self, store: Store) -> set[str]:
        """Objects that stand in no commit; commits too."""
        return {name for name in store.names() if name.encode() not in self._introduced}


_ESCAPES = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v"}


def unquote(path: bytes) -> str:
    """A path as git prints it: in quotes and with C's escapes where it has unusual characters."""
    if path.startswith(b'"'):
        path = re.sub(rb"\\([0-7]{3}|.)", lambda m: _unescaped(m[1]), path[1:-1])
    return path.decode("utf-8", "replace")


def _unescaped(escape: bytes) -> bytes:
    return bytes([int(escape, 8)]) if len(escape) == 3 else _ESCAPES.get(escape, escape)
