"""All of a repository, looked at once: which credentials are in it, where, and what could not be looked at."""

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from seawall.audit.finding import Gap
from seawall.audit.history import files, git, objects
from seawall.audit.history.commits import Log
from seawall.audit.history.git import Repository
from seawall.audit.history.objects import Chunk, Listed
from seawall.audit.history.packed import Pack, packs
from seawall.audit.history.places import Credential, Places, credentials
from seawall.audit.history.reader import Seen, read
from seawall.audit.secrets.deep import look
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
) -> Scan:
    """Look at the repository in or above `path`, and at its submodules' unless `nested` is false.

    Or at a folder that is in none, or at one file as it is. `noticed` is told rule and secret when one is seen first.
    Raises RepositoryUnusable.
    """
    reading = Reading(scanner, processes or os.cpu_count() or 1, progress, noticed)
    repository = git.find(path)
    if repository is None or not path.is_dir():
        seen = reading.read(None, objects.chunks(_listed(files.in_folder(path.resolve()))))
        top = (repository and repository.work_tree) or git.folder(path)
        return replace(_result(credentials(seen, Places(None, top, seen, None)), seen, []), versioned=False)
    result = _scan(repository, path.resolve(), reading)
    for name, module in submodules(repository).items() if nested else ():
        _add(result, scan(module, scanner, processes, progress, noticed=noticed), name)
    return result


def _scan(repository: Repository, folder: Path, reading: "Reading") -> Scan:
    there = packs(repository)
    log = Log(repository, there)
    store = objects.Store(repository, there if reading.scanner.in_parts else [])
    with ThreadPoolExecutor(1) as beside:
        finished: list[Future[tuple[list[Listed], set[str]]]] = []

        def finish() -> None:
            finished.append(beside.submit(_finish, repository, log, store))

        try:
            seen = reading.read(repository, chain(store, objects.chunks(_files(repository))), finish, store.packs)
        except BaseException:
            log.stop()
            raise
        trees, absent = finished[0].result()
    seen.add(reading.read(repository, objects.chunks(trees)))
    seen.add(reading.read(repository, objects.chunks(_by_name(repository, log, store, reading.scanner, seen))))
    _names(repository, log, reading.scanner, seen)
    gaps = _missing(repository, log, len(absent) + seen.missing)
    seen.gaps = _called(seen.gaps, log)
    result = _result(credentials(seen, Places(repository, folder, seen, log)), seen, gaps)
    result.commits = len(log.commits)
    return result


def _finish(repository: Repository, log: Log, store: objects.Store) -> tuple[list[Listed], set[str]]:
    """Read the log, and of commits that nothing leads to. Which trees stand in no commit; what is not there."""
    log.finish()
    others = objects.kinds(repository, log.strangers(store))
    log.ask([name for name, kind in others.items() if kind == "commit"])
    left = log.strangers(store) if "commit" in others.values() else others
    absent = log.brought.absent(store) | store.lacking(objects.pointed_to(repository))
    return [Listed(name, "tree", 0) for name in left if others[name] == "tree"], absent


def _files(repository: Repository) -> Iterator[Listed]:
    yield from _listed(path for _, path in files.administrative(repository))
    if repository.work_tree:
        yield from _listed(files.uncommitted(repository))


def _listed(paths: Iterable[Path]) -> Iterator[Listed]:
    for path in paths:
        with contextlib.suppress(FileNotFoundError):  # gone meanwhile
            yield Listed(str(path), "file", path.lstat().st_size, str(path))


def _by_name(repository: Repository, log: Log, store: objects.Store, scanner: Scanner, seen: Seen) -> Iterator[Listed]:
    """Files that may be credentials by their names; not those in which something was found anyway."""
    telling = {path for path in log.paths if scanner.names.suspicious(path)}
    waiting = {name: path for name, path in objects.staged(repository).items() if scanner.names.suspicious(path)}
    paths = waiting | log.standing(telling)
    there = paths.keys() - store.lacking(paths) - {name for name, _, _ in seen.sightings}
    if there:
        of_kinds = objects.kinds(repository, there)
        there = {name for name in there if of_kinds[name] == "blob"}
    return (Listed(name, "blob", 0, paths[name]) for name in paths if name in there)


def _names(repository: Repository, log: Log, scanner: Scanner, seen: Seen) -> None:
    """What files, folders and refs are called."""
    paths = "\n".join(log.paths).encode("utf-8", "surrogateescape")
    seen.sightings += [("", "path", each) for each in look(scanner, paths, [])]
    seen.sightings += [("", "ref", each) for each in look(scanner, files.ref_names(repository), [])]
    if repository.work_tree:
        seen.sightings += [("", "index", each) for each in look(scanner, files.staged_names(repository), [])]


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
