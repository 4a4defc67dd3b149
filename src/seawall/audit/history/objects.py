"""What is there to be looked at: every object of a repository, reachable or not, and what ought to be there."""

import contextlib
import os
import re
from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain, compress
from pathlib import Path
from typing import Literal, NamedTuple

from seawall.audit.finding import Gap
from seawall.audit.history.git import Repository
from seawall.audit.history.packed import Pack
from seawall.errors import RepositoryUnusable

Kind = Literal["blob", "tree", "commit", "tag", "file", "path", "ref", "index"]

CHUNK_BYTES = 8 << 20  # content that one process reads before it reports
CHUNK_OBJECTS = 1000  # names that surely fit the pipe to git, so that neither waits for the other

UNPACKED = 10  # bytes of content that a byte of a pack holds, about: for the bar

_LISTED = "%(objectname) %(objecttype) %(objectsize)"
_ALL = ("cat-file", "--batch-all-objects", "--unordered")


_KINDS: dict[bytes, Kind] = {b"blob": "blob", b"commit": "commit", b"tag": "tag", b"tree": "tree"}


class Listed(NamedTuple):
    """An object that is there, or a file."""

    name: str  # the file's path
    kind: Kind
    size: int  # bytes
    path: str = ""  # what it is called, where that may make it a credential


class Chunk(NamedTuple):
    """What one process reads before it reports."""

    size: int  # bytes, of a pack's part about
    listed: Sequence[Listed] = ()
    lines: bytes = b""  # the same as git lists it: it is taken apart by who reads it
    part: tuple[int, int, int] | None = None  # of which pack, from which family to which: see packed.py

    def each(self) -> Iterator[Listed]:
        yield from self.listed
        words = self.lines.split()
        for name, kind, size in zip(words[0::3], words[1::3], words[2::3], strict=True):
            yield Listed(name.decode(), _KINDS[kind], int(size))


def objects(repository: Repository) -> list[Listed]:
    """Everything in the object store, in the order of the packs, which is twice as fast to read as by name."""
    return list(Chunk(0, lines=repository.run(*_ALL, f"--batch-check={_LISTED}")).each())


def kinds(repository: Repository, names: Iterable[str]) -> dict[str, str]:
    """What `names` are: `blob`, `tree`, `commit` or `tag`, or `missing`."""
    asked = "".join(name + "\n" for name in names).encode()
    if not asked:
        return {}
    words = repository.run("cat-file", "--batch-check=%(objectname) %(objecttype)", input=asked).decode().split()
    return dict(zip(words[0::2], words[1::2], strict=True))


class Store:
    """All but trees, in chunks: those in `packs`, and those that git reads."""

    def __init__(self, repository: Repository, packs: Sequence[Pack], others: Iterable[str] = ()) -> None:
        self.repository = repository
        self.packs = packs
        self.others = set(others)  # names of all that are not in `packs`, trees too, when chunks were made

    def __iter__(self) -> Iterator[Chunk]:
        for number, pack in enumerate(self.packs):
            for weight, first, last in pack.parts():
                yield Chunk(weight * UNPACKED, part=(number, first, last))
        if not self.packs:
            lines = self.repository.blocks(*_ALL, f"--batch-check={_LISTED}")
        elif asked := "".join(name + "\n" for name in self._elsewhere()).encode():
            lines = iter([self.repository.run("cat-file", f"--batch-check={_LISTED}", input=asked)])
        else:
            return
        for some in lines:
            words = some.replace(b" missing\n", b" blob 0\n").split()  # listed, but damaged
            names, of_kinds = words[0::3], words[1::3]
            self.others.update(map(bytes.decode, names))
            read = list(map(b"tree".__ne__, of_kinds))
            yield from _cut(*(list(compress(each, read)) for each in (names, of_kinds, words[2::3])))

    def _elsewhere(self) -> set[str]:
        """What git has besides, and what in the packs we cannot read."""
        unknown = {name for pack in self.packs for name in pack.unknown()}
        folder = self.repository.common_dir / "objects"
        if (folder / "info" / "alternates").exists() or len(list((folder / "pack").glob("*.idx"))) > len(self.packs):
            listed = self.repository.run(*_ALL, "--batch-check=%(objectname)").decode().split()
            return unknown | set(listed).difference(*(pack.names() for pack in self.packs))
        return unknown.union(_loose(folder, self.repository.hash))

    def names(self) -> Iterator[str]:
        """Of everything."""
        return chain(self.others, *(pack.names() for pack in self.packs))

    def lacking(self, names: Iterable[str]) -> set[str]:
        """Those of `names` that are not there."""
        left = [name for name in names if name not in self.others]
        for pack in self.packs:
            left = pack.lacking(left)
        return set(left)


def _loose(folder: Path, hash: int) -> Iterator[str]:
    """Names of objects that are a file each."""
    rest = re.compile(rf"[0-9a-f]{{{2 * hash - 2}}}")
    for first in range(256):
        with contextlib.suppress(FileNotFoundError, NotADirectoryError), _readable(folder / f"{first:02x}"):
            for file in os.scandir(folder / f"{first:02x}"):
                if rest.fullmatch(file.name):
                    yield f"{first:02x}{file.name}"


@contextlib.contextmanager
def _readable(folder: Path) -> Iterator[None]:
    try:
        yield
    except PermissionError as error:  # without it objects would be missing that nothing else tells of
        remedy = "Scan as the user to whom it belongs."
        raise RepositoryUnusable(f"{folder} cannot be read: {error.strerror}.", remedy) from error


def _cut(names: Sequence[bytes], kinds: Sequence[bytes], sizes: Sequence[bytes]) -> Iterator[Chunk]:
    """Neighbours together: they are each other's delta bases."""
    ends = list(accumulate(map(int, sizes)))
    first = before = 0
    while first < len(names):
        last = min(bisect(ends, before + CHUNK_BYTES, first), first + CHUNK_OBJECTS - 1, len(names) - 1) + 1
        words = chain.from_iterable(zip(names[first:last], kinds[first:last], sizes[first:last], strict=True))
        yield Chunk(ends[last - 1] - before, lines=b" ".join(words))
        first, before = last, ends[last - 1]


def chunks(listed: Iterable[Listed]) -> Iterator[Chunk]:
    """Parts of `listed` that are worth a process's while."""
    chunk: list[Listed] = []
    size = 0
    for each in listed:
        chunk.append(each)
        size += each.size
        if size >= CHUNK_BYTES or len(chunk) == CHUNK_OBJECTS:
            yield Chunk(size, chunk)
            chunk, size = [], 0
    if chunk:
        yield Chunk(size, chunk)


def missing(repository: Repository) -> int:
    """How many objects that refs, reflogs and the index lead to are not there, by following everything: slow.

    At least one where git gives up.
    """
    lines = repository.lines("rev-list", "--objects", "--all", "--reflog", "--indexed-objects", "--missing=print")
    try:
        return sum(1 for line in lines if line.startswith(b"?"))
    except RepositoryUnusable:
        return 1


def gaps(repository: Repository, absent: int) -> list[Gap]:
    """Why the history is not whole, if it is not."""
    found = []
    if (repository.common_dir / "shallow").exists():
        found.append(Gap("This is a shallow clone: older commits are missing.", "Fetch them: git fetch --unshallow"))
    if absent:
        partial = repository.try_run("config", "--get-regexp", r"^remote\..*\.promisor$")
        cause = "this is a partial clone" if partial else "the repository is damaged"
        remedy = "Clone it anew without --filter." if partial else "Look what is wrong: git fsck"
        which = "1 object is" if absent == 1 else f"{absent} objects are"
        found.append(Gap(f"{which} missing: {cause}.", remedy))
    return found
