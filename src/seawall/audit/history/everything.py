"""All there is to be read, and who reads it; what is seen is told to whoever asked, perhaps another process."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from seawall.audit.history import files
from seawall.audit.history.git import Repository
from seawall.audit.history.objects import Chunk, Kind, Listed, Store, chunks
from seawall.audit.history.packed import Pack, packs
from seawall.audit.history.reader import read
from seawall.audit.history.seen import Listing, Named, Seen
from seawall.audit.secrets.deep import look
from seawall.audit.secrets.scanner import Scanner

Told = Callable[[Seen | Listing | Named], object]


def everything(
    told: Told, scanner: Scanner, repository: Repository, processes: int, there: Sequence[Pack] | None = None
) -> None:
    """All objects but trees, git's own files, and those of the work tree that are not as in the index.

    `there` are the packs that we can read, if they are open.
    """
    opened = (packs(repository) if there is None else there) if scanner.in_parts else []
    store = Store(repository, opened)
    work = chain(store, chunks(_files(repository)))
    _read(told, scanner, repository, work, processes, store)


def some(told: Told, scanner: Scanner, repository: Repository, listed: Sequence[Listed], processes: int) -> None:
    """The objects in `listed`."""
    _read(told, scanner, repository, chunks(listed), processes)


def in_folder(told: Told, scanner: Scanner, folder: Path, processes: int) -> None:
    """The files of a folder that is no work tree; or one file. Raises RepositoryUnusable for other things."""
    _read(told, scanner, None, chunks(_listed(files.in_folder(folder))), processes)


def names(told: Told, scanner: Scanner, paths: Sequence[str], staged: Sequence[str], texts: dict[Kind, bytes]) -> None:
    """What files, folders and refs are called; `texts` have a name in each line, by what they are of."""
    suspicious = scanner.names.among(paths) | scanner.names.among(staged)
    every: dict[Kind, bytes] = {"path": "\n".join(paths).encode("utf-8", "surrogateescape"), **texts}
    told(Named(suspicious, [("", kind, each) for kind, text in every.items() for each in look(scanner, text, [])]))


def _read(
    told: Told,
    scanner: Scanner,
    repository: Repository | None,
    work: Iterable[Chunk],
    processes: int,
    store: Store | None = None,
) -> None:
    size = 0

    def counted() -> Iterator[Chunk]:
        nonlocal size
        for each in work:
            size += each.size
            yield each

    def listed() -> None:
        if store:
            indexes = frozenset(pack.index for pack in store.packs) if scanner.in_parts else None
            told(Listing(size, frozenset(store.others), indexes))
        else:
            told(Listing(size, frozenset()))

    for seen in read(repository, scanner, counted(), processes, listed, store.packs if store else ()):
        told(seen)


def _files(repository: Repository) -> Iterator[Listed]:
    yield from _listed(path for _, path in files.administrative(repository))
    if repository.work_tree:
        yield from _listed(files.uncommitted(repository))


def _listed(paths: Iterable[Path]) -> Iterator[Listed]:
    for path in paths:
        with contextlib.suppress(FileNotFoundError):  # gone meanwhile
            yield Listed(str(path), "file", path.lstat().st_size, str(path))
