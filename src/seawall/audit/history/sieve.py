"""Which objects of a pack may hold a credential: only what differs from another object is looked at. See native/."""

import ctypes
from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence
from weakref import finalize

from seawall.audit.history.packed import NONE, Pack
from seawall.audit.secrets.partly import ALL, Part, Runs, reach
from seawall.audit.secrets.scanner import Scanner

# What has been made to have very many matches is not to fill the memory:
POSITIONS = 4096  # of one object that are followed …
LINES = 256  # … and for which only their lines are looked at
AT_ONCE = 1 << 17  # followed together


class _Position(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint32) for name in ("object", "at", "reach", "number")]


class Suspects:
    """Which objects of a part of a pack may hold something."""

    def __init__(self) -> None:
        self.objects = 0  # that were gone through
        self.bytes = 0
        self.wrapped: set[int] = set()  # perhaps
        self.positions: dict[int, list[tuple[int, int]]] = {}  # where a match ends, and its number
        self.left: set[int] = set()  # that were not gone through

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
        self._reader = self._library.reader_open(pack.handle, 2 * scanner.longest)
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
