"""Reads objects and files once each, in several processes, and looks for credentials in them."""

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from subprocess import Popen

from seawall.audit.history.files import content
from seawall.audit.history.git import Repository
from seawall.audit.history.objects import CHUNK_OBJECTS, Chunk, Listed
from seawall.audit.history.packed import Pack
from seawall.audit.history.processes import shared
from seawall.audit.history.seen import Seen
from seawall.audit.history.sieve import Sieve
from seawall.audit.secrets import partly
from seawall.audit.secrets.deep import look
from seawall.audit.secrets.found import Sighting
from seawall.audit.secrets.scanner import Scanner

PIECE = 32 << 20  # bytes of a large object looked at at once, …
OVERLAP = 1 << 16  # … and how far the next piece reaches back
# Bytes between git and us, as many as an unprivileged user may have: fewer changes from one to the other.
PIPE = 1 << 20
# Of each git. With its defaults, 96 MB and all of the pack in memory, histories are not read faster.
_LITTLE_MEMORY = (
    *("-c", "core.deltaBaseCacheLimit=64m"),
    *("-c", "core.packedGitWindowSize=4m", "-c", "core.packedGitLimit=32m"),
)


def read(
    repository: Repository | None,
    scanner: Scanner,
    work: Iterable[Chunk],
    processes: int,
    listed: Callable[[], object] = lambda: None,
    packs: Sequence[Pack] = (),
) -> Iterator[Seen]:
    """What is found, chunk by chunk, by so many processes. Files need no repository.

    They begin while `work` still goes on; `listed` is called when it has ended.
    """
    scanner.scan(b"")  # compiled or loaded once, before the processes part
    work = iter(work)
    first = list(islice(work, 2))
    reader = Reader(repository, scanner, packs)
    if processes > 1 and len(first) > 1:
        yield from shared(processes, chain(first, work), reader.read, listed)
        return
    try:
        yield from map(reader.read, chain(first, work))
        listed()
    finally:
        reader.close()


class Reader:
    """One `git cat-file` and what is looked for in its answers."""

    def __init__(self, repository: Repository | None, scanner: Scanner, packs: Sequence[Pack] = ()) -> None:
        self.repository = repository
        self.scanner = scanner
        self.packs = packs
        self._sieves: dict[int, Sieve] = {}  # by number of the pack

    def close(self) -> None:
        """End git."""
        if "_git" in self.__dict__:
            self._git.communicate()

    @cached_property
    def _git(self) -> Popen[bytes]:
        assert self.repository is not None
        process = self.repository.start(*_LITTLE_MEMORY, "cat-file", "--batch-command", "--buffer")
        assert process.stdout is not None
        fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, PIPE)
        return process

    def read(self, chunk: Chunk) -> Seen:
        """Look at all of `chunk`."""
        seen = Seen(size=chunk.size)
        if chunk.part:
            self._part(*chunk.part, seen)
        objects: list[Listed] = []
        for each in chunk.each():
            if each.kind == "file":
                self._file(each, seen)
            else:
                objects.append(each)
        self._all(objects, seen)
        return seen

    def _part(self, number: int, first: int, last: int, seen: Seen) -> None:
        """A part of a pack: what is suspected in it is looked at as a whole."""
        pack = self.packs[number]
        if number not in self._sieves:
            self._sieves[number] = Sieve(pack, self.scanner)
        sieve = self._sieves[number]
        found = sieve.suspects(first, last)
        for each, data in sieve.contents(found):
            gaps: list[str] = []
            if each in found.wrapped:
                sightings = look(self.scanner, data, gaps)
            else:
                sightings = partly.seen(self.scanner, data, found.positions[each], gaps)
            self._take(Listed(pack.name(each), pack.kind(each), len(data)), data, sightings, gaps, seen)
        seen.objects += found.objects
        seen.read += found.bytes
        self._all([Listed(pack.name(each), pack.kind(each), 0) for each in found.left], seen)

    def _all(self, objects: list[Listed], seen: Seen) -> None:
        for first in range(0, len(objects), CHUNK_OBJECTS):
            some = objects[first : first + CHUNK_OBJECTS]
            while some:
                some = self._objects(some, seen)

    def _objects(self, objects: list[Listed], seen: Seen) -> list[Listed]:
        """Look at `objects` and return those that are left, behind one at which git gave up: it is damaged."""
        git = self._git
        assert git.stdin is not None
        assert git.stdout is not None
        git.stdin.write(("".join(f"contents {each.name}\n" for each in objects) + "flush\n").encode())
        git.stdin.flush()
        for number, each in enumerate(objects):
            head = git.stdout.readline()
            if head.endswith(b" missing\n"):
                seen.missing += 1
            elif not head or not self._look(each, int(head.split()[2]), git.stdout.read, seen):
                seen.gaps.append((each.name, "the object is damaged"))
                del self._git
                git.communicate()
                return objects[number + 1 :]
            else:
                git.stdout.read(1)
        return []

    def _file(self, each: Listed, seen: Seen) -> None:
        path = Path(os.fsdecode(each.name))
        try:
            if each.size <= PIECE or path.is_symlink():
                self._look_at(each, content(path), 0, seen)
                seen.objects += 1
                seen.read += each.size
            else:
                with path.open("rb") as file:
                    self._look(each, each.size, file.read, seen)
        except FileNotFoundError:
            return  # gone meanwhile
        except OSError as error:
            seen.gaps.append((each.name, error.strerror or str(error)))

    def _look(self, each: Listed, size: int, more: Callable[[int], bytes], seen: Seen) -> bool:
        """Whether all of it came. A large one is looked at in pieces that overlap: nothing sought is longer."""
        left, before, lines = size, b"", 0
        while True:
            data = before + more(min(left, PIECE))
            came = len(data) - len(before)
            left -= came
            self._look_at(each, data, lines, seen)
            if left <= 0 or not came:
                break
            before = data[-OVERLAP:]
            lines += data.count(b"\n", 0, len(data) - OVERLAP)
        seen.objects += 1
        seen.read += size
        return left <= 0

    def _look_at(self, each: Listed, data: bytes, lines: int, seen: Seen) -> None:
        gaps: list[str] = []
        found = look(self.scanner, data, gaps, each.path)
        if lines:
            found = [sighting._replace(line=sighting.line + lines) for sighting in found]
        self._take(each, data, found, gaps, seen)

    @staticmethod
    def _take(each: Listed, data: bytes, found: list[Sighting], gaps: list[str], seen: Seen) -> None:
        seen.sightings += [(each.name, each.kind, sighting) for sighting in found]
        if found and each.kind in ("commit", "tag"):
            seen.texts[each.name] = data
        seen.gaps += [(each.name, gap) for gap in gaps]
