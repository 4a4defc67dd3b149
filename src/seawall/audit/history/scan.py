"""All of a repository, looked at once: which credentials are in it, where, and what could not be looked at."""

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from seawall.audit.finding import Gap
from seawall.audit.history import files, git, objects, reader
from seawall.audit.history.beginning import Beginning
from seawall.audit.history.commits import Log
from seawall.audit.history.git import Repository
from seawall.audit.history.objects import Chunk, Kind, Listed
from seawall.audit.history.packed import Pack
from seawall.audit.history.places import Credential, Places, credentials
from seawall.audit.history.reader import Seen, read
from seawall.audit.history.roots import Roots
from seawall.audit.secrets.deep import Sighting, look
from seawall.audit.secrets.rules import FileRule, Rule
from seawall.audit.secrets.scanner import Scanner

Progress = Callable[[int, int], None]  # bytes looked at, bytes in all
Noticed = Callable[[Rule | FileRule, str], None]  # what found it, and the secret
GAPS_SHOWN = 20  # of one kind


@dataclass
class Scan:
    """What was found and what was not looked at."""

    credentials: list[Credential] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    objects: int = 0
    read: int = 0  # bytes
    commits: int = 0
    versioned: bool = True  # whether there is a repository at all


def scan(
    path: Path,
    scanner: Scanner,
    processes: int | None = None,
    progress: Progress = lambda *_: None,
    nested: bool = True,
    noticed: Noticed = lambda *_: None,
    begun: Beginning | None = None,
) -> Scan:
    """Look at the repository in or above `path`, and at its submodules' unless `nested` is false.

    Or at a folder that is in none, or at one file as it is. `noticed` is told rule and secret when one is seen first.
    Raises RepositoryUnusable.
    """
    reading = Reading(scanner, processes or os.cpu_count() or 1, progress, noticed)
    begun = begun or Beginning(path)
    repository = begun.repository
    with begun, reader.ending():
        if repository is None or begun.log is None:
            return _files_alone(repository, path, reading)
        result = _scan(repository, begun.log, begun.packs(), path.resolve(), reading)
    for name, module in submodules(repository).items() if nested else ():
        _add(result, scan(module, scanner, processes, progress, noticed=noticed), name)
    return result


def _files_alone(repository: Repository | None, path: Path, reading: "Reading") -> Scan:
    seen = reading.read(None, objects.chunks(_listed(files.in_folder(path.resolve()))))
    top = (repository and repository.work_tree) or git.folder(path)
    return replace(_result(credentials(seen, Places(None, top, seen)), seen, []), versioned=False)


def _scan(repository: Repository, log: Log, there: Sequence[Pack], folder: Path, reading: "Reading") -> Scan:
    scanner, roots = reading.scanner, Roots(repository)
    store = objects.Store(repository, there if scanner.in_parts else [])
    with ThreadPoolExecutor(1) as beside:
        finished: list[Future[_Beside]] = []

        def finish() -> None:
            finished.append(beside.submit(_beside, log, there, store, roots, scanner))

        try:
            seen = reading.read(repository, chain(store, objects.chunks(_files(repository))), finish, store.packs)
        except BaseException:
            log.stop()
            raise
        other = finished[0].result()
    seen.add(reading.read(repository, objects.chunks(other.trees)))
    found = {name for name, _, _ in seen.sightings}  # anyway, whatever the file is called
    seen.sightings += [each for each in other.by_name.sightings if each[0] not in found]
    seen.gaps += [each for each in other.by_name.gaps if each not in seen.gaps]
    seen.sightings += other.names
    gaps = _missing(repository, log, len(other.absent) + seen.missing)
    seen.gaps = _called(seen.gaps, log)
    result = _result(credentials(seen, Places(repository, folder, seen, log, roots)), seen, gaps)
    result.commits = len(log.commits)
    return result


class _Beside(NamedTuple):
    """What is found out while objects are read."""

    trees: list[Listed]  # that stand in no commit
    absent: set[str]  # objects
    by_name: Seen  # what is in files that may be credentials by their names
    names: list[tuple[str, Kind, Sighting]]  # what is in names


def _beside(log: Log, there: Sequence[Pack], store: objects.Store, roots: Roots, scanner: Scanner) -> _Beside:
    """Read the log, also of commits that nothing leads to, and what it tells."""
    log.finish(there, roots.tips)
    others = objects.kinds(log.repository, log.strangers(store))
    log.ask(sorted(name for name, kind in others.items() if kind == "commit"))  # git keeps the order of a second's
    left = log.strangers(store) if "commit" in others.values() else others
    trees = [Listed(name, "tree", 0) for name in left if others[name] == "tree"]
    absent = log.brought.absent(store) | store.lacking(roots.names())
    by_name = Seen()
    for part in read(log.repository, scanner, objects.chunks(_by_name(log, store, roots, scanner)), 1):
        by_name.add(part)
    return _Beside(trees, absent, by_name, _names(log, roots, scanner))


def _by_name(log: Log, store: objects.Store, roots: Roots, scanner: Scanner) -> Iterator[Listed]:
    """Files that may be credentials by their names."""
    paths = log.standing(scanner.names.among(log.paths))
    waiting = scanner.names.among(roots.staged.values())
    paths = {name: path for name, path in roots.staged.items() if path in waiting} | paths
    there = paths.keys() - store.lacking(paths)
    of_kinds = objects.kinds(log.repository, there)
    for name, path in paths.items():
        if of_kinds.get(name) == "blob" and not log.stopped:
            yield Listed(name, "blob", 0, path)


def _names(log: Log, roots: Roots, scanner: Scanner) -> list[tuple[str, Kind, Sighting]]:
    """What files, folders and refs are called."""
    paths = "\n".join(log.paths).encode("utf-8", "surrogateescape")
    names: dict[Kind, bytes] = {"path": paths, "ref": roots.ref_names(), "index": roots.staged_names()}
    return [("", kind, each) for kind, text in names.items() for each in look(scanner, text, [])]


def _files(repository: Repository) -> Iterator[Listed]:
    yield from _listed(path for _, path in files.administrative(repository))
    if repository.work_tree:
        yield from _listed(files.uncommitted(repository))


def _listed(paths: Iterable[Path]) -> Iterator[Listed]:
    for path in paths:
        with contextlib.suppress(FileNotFoundError):  # gone meanwhile
            yield Listed(str(path), "file", path.lstat().st_size, str(path))


def _missing(repository: Repository, log: Log, absent: int) -> list[Gap]:
    if not log.whole:
        absent = max(absent, objects.missing(repository))
    return objects.gaps(repository, absent)


@dataclass(frozen=True)
class Reading:
    """How things are read, and who is told."""

    scanner: Scanner
    processes: int
    progress: Progress
    noticed: Noticed
    known: set[tuple[str, str]] = field(default_factory=set)

    def read(
        self,
        repository: Repository | None,
        work: Iterable[Chunk],
        meanwhile: Callable[[], object] = lambda: None,
        packs: Sequence[Pack] = (),
    ) -> Seen:
        """Everything in `work`; see reader.read."""
        sizes: list[int] = []

        def counted() -> Iterator[Chunk]:
            for each in work:
                sizes.append(each.size)
                yield each

        seen, done = Seen(), 0
        for number, part in enumerate(read(repository, self.scanner, counted(), self.processes, meanwhile, packs)):
            seen.add(part)
            self._notice(part)
            done += sizes[number]
            # What a pack holds is known when it has been read; until then it goes on as it began.
            if done:
                self.progress(seen.read, seen.read * sum(sizes) // done)
        return seen

    def _notice(self, part: Seen) -> None:
        for *_, sighting in part.sightings:
            rule, secret = sighting.hit.rule, sighting.hit.secret
            if (rule.id, secret) not in self.known:
                self.known.add((rule.id, secret))
                self.noticed(rule, secret)


def _called(gaps: list[tuple[str, str]], log: Log) -> list[tuple[str, str]]:
    """Objects by one of their paths."""
    there = log.introductions({name for name, _ in gaps}) if gaps else {}
    paths = {name: f"{places[0].path} in {places[0].commit.name[:8]}" for name, places in there.items()}
    return [(paths.get(name, name), reason) for name, reason in gaps]


def submodules(repository: Repository) -> dict[str, Path]:
    """Repositories of submodules, by name: they have histories of their own."""
    modules = repository.common_dir / "modules"
    folders = sorted(each.parent for each in modules.glob("**/HEAD") if (each.parent / "objects").is_dir())
    return {str(folder.relative_to(modules)): folder for folder in folders}


def _add(result: Scan, other: Scan, name: str) -> None:
    """What was found in the submodule called `name`."""
    known = {(each.rule.id, each.secret): each for each in result.credentials}
    for each in other.credentials:
        each.places = [replace(place, path=f"{name}/{place.path}" if place.path else name) for place in each.places]
        if same := known.get((each.rule.id, each.secret)):
            same.places += each.places
            same.in_tip |= each.in_tip
        else:
            result.credentials.append(each)
    result.gaps += [replace(gap, what=f"Submodule {name}: {gap.what}") for gap in other.gaps]
    result.objects += other.objects
    result.read += other.read
    result.commits += other.commits


def _result(found: list[Credential], seen: Seen, gaps: list[Gap]) -> Scan:
    inside = [Gap(f"{name}: {reason}") for name, reason in seen.gaps[:GAPS_SHOWN]]
    if more := len(seen.gaps[GAPS_SHOWN:]):
        inside.append(Gap(f"{more} more {'file' if more == 1 else 'files'} could not be looked into."))
    return Scan(found, gaps + inside, seen.objects, seen.read)
