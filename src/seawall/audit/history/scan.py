"""All of a repository, looked at once: which credentials are in it, where, and what could not be looked at."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from seawall.audit.finding import Gap
from seawall.audit.history import git, objects
from seawall.audit.history.ahead import Ahead
from seawall.audit.history.beginning import Beginning
from seawall.audit.history.commits import Log
from seawall.audit.history.git import Repository
from seawall.audit.history.objects import Kind, Listed
from seawall.audit.history.packed import Pack
from seawall.audit.history.places import Credential, Places, credentials
from seawall.audit.history.processes import ending
from seawall.audit.history.roots import Roots
from seawall.audit.history.seen import Listing, Named, Seen
from seawall.audit.secrets.rules import FileRule, Rule

if TYPE_CHECKING:
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
    scanner: "Scanner | Ahead",
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
    begun = begun or Beginning(path, processes=processes)
    reading = Reading(scanner, begun.processes, progress, noticed)
    repository = begun.repository
    with begun, ending():
        if repository is None or begun.log is None:
            return _files_alone(repository, path, reading)
        result = _scan(repository, begun.log, begun.packs, path.resolve(), reading)
    for name, module in submodules(repository).items() if nested else ():
        _add(result, scan(module, scanner, processes, progress, noticed=noticed), name)
    return result


def _files_alone(repository: Repository | None, path: Path, reading: "Reading") -> Scan:
    seen = reading.read("in_folder", path.resolve(), reading.processes)
    top = (repository and repository.work_tree) or git.folder(path)
    return replace(_result(credentials(seen, Places(None, top, seen)), seen, []), versioned=False)


def _scan(repository: Repository, log: Log, packs: Callable[[], list[Pack]], folder: Path, reading: "Reading") -> Scan:
    roots = Roots(repository)
    opened = None if isinstance(reading.scanner, Ahead) else packs()  # before processes part, which then have them
    beside: list[_Beside] = []

    def listed(listing: Listing) -> None:
        beside.append(_Beside(log, packs, listing, roots))

    try:
        seen = reading.read("everything", repository, reading.processes, opened, listed=listed)
    except BaseException:
        log.stop()
        raise
    finally:
        for each in beside:
            each.join()
    other = beside[0].result()
    found = {name for name, _, _ in seen.sightings}  # anyway, whatever the file is called
    seen.add(reading.some(repository, other.trees))
    by_name = reading.some(repository, _by_name(log, other.store, roots, reading, seen))
    seen.sightings += [each for each in by_name.sightings if each[0] not in found]
    seen.gaps += [each for each in by_name.gaps if each not in seen.gaps]
    gaps = _missing(repository, log, len(other.absent) + seen.missing)
    if other.changed:
        gaps.append(Gap("The repository changed while it was read.", "Scan it again."))
    seen.gaps = _called(seen.gaps, log)
    result = _result(credentials(seen, Places(repository, folder, seen, log, roots)), seen, gaps)
    result.commits = len(log.commits)
    return result


class _Beside(Thread):
    """Reads the log while objects are read, also of commits that nothing leads to, and finds out what it tells."""

    def __init__(self, log: Log, packs: Callable[[], list[Pack]], listing: Listing, roots: Roots) -> None:
        super().__init__()
        self._log = log
        self._packs = packs
        self._listing = listing
        self._roots = roots
        self._error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            self._find_out()
        except Exception as error:  # noqa: BLE001  who waits for it raises it
            self._error = error

    def _find_out(self) -> None:
        log, there = self._log, self._packs()
        self.store = objects.Store(log.repository, there, self._listing.others)
        # Who reads may have opened them at another time: what came in between was not read.
        self.changed = self._listing.packs not in (None, {pack.index for pack in there})
        log.finish(there, self._roots.tips)
        others = objects.kinds(log.repository, log.strangers(self.store))
        log.ask(sorted(name for name, kind in others.items() if kind == "commit"))  # git keeps the order of a second's
        left = log.strangers(self.store) if "commit" in others.values() else others
        self.trees = [Listed(name, "tree", 0) for name in left if others[name] == "tree"]  # that stand in no commit
        self.absent = log.brought.absent(self.store) | self.store.lacking(self._roots.names())  # objects

    def result(self) -> "_Beside":
        """It, when it has ended. Raises what went wrong."""
        self.join()
        if self._error:
            raise self._error
        return self


def _by_name(log: Log, store: objects.Store, roots: Roots, reading: "Reading", seen: Seen) -> list[Listed]:
    """Files that may be credentials by their names. What names themselves hold is added to what was `seen`."""
    texts: dict[Kind, bytes] = {"ref": roots.ref_names(), "index": roots.staged_names()}
    named = reading.names(list(log.paths), list(roots.staged.values()), texts)
    seen.sightings += named.sightings
    paths = {name: path for name, path in roots.staged.items() if path in named.suspicious}
    paths |= log.standing(named.suspicious)
    of_kinds = objects.kinds(log.repository, paths.keys() - store.lacking(paths))
    return [Listed(name, "blob", 0, path) for name, path in paths.items() if of_kinds.get(name) == "blob"]


def _missing(repository: Repository, log: Log, absent: int) -> list[Gap]:
    if not log.whole:
        absent = max(absent, objects.missing(repository))
    return objects.gaps(repository, absent)


@dataclass(frozen=True)
class Reading:
    """Who reads, and who is told."""

    scanner: "Scanner | Ahead"  # in this process, or in another one
    processes: int
    progress: Progress
    noticed: Noticed
    known: set[tuple[str, str]] = field(default_factory=set)

    def _ask(self, told: Callable[[Any], object], function: str, *arguments: Any) -> None:
        if isinstance(self.scanner, Ahead):
            self.scanner.ask(told, function, *arguments)
        else:
            from seawall.audit.history import everything

            getattr(everything, function)(told, self.scanner, *arguments)

    def read(
        self, function: str, *arguments: object, listed: Callable[[Listing], object] = lambda listing: None
    ) -> Seen:
        """What a function of everything.py sees; `listed` is called when all is known that there is."""
        seen, sizes = Seen(), list[int]()

        def told(answer: Seen | Listing) -> None:
            if isinstance(answer, Listing):
                sizes.append(answer.size)
                listed(answer)
                return
            seen.add(answer)
            self._notice(answer)
            # What a pack holds is known when it has been read; until then it goes on as it began.
            if sizes and seen.size and function != "some":  # those come when the bar is full
                self.progress(seen.read, seen.read * sizes[0] // seen.size)

        self._ask(told, function, *arguments)
        return seen

    def some(self, repository: Repository, listed: Sequence[Listed]) -> Seen:
        """What is in the objects in `listed`."""
        return self.read("some", repository, listed, self.processes) if listed else Seen()

    def names(self, paths: Sequence[str], staged: Sequence[str], texts: dict[Kind, bytes]) -> Named:
        """See everything.py."""
        answers: list[Named] = []
        self._ask(answers.append, "names", paths, staged, texts)
        return answers[0]

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
        each.places = [place._replace(path=f"{name}/{place.path}" if place.path else name) for place in each.places]
        if same := known.get((each.rule.id, each.secret)):
            same.places += each.places
            same.in_tip |= each.in_tip
        else:
            result.credentials.append(each)
    result.gaps += [gap._replace(what=f"Submodule {name}: {gap.what}") for gap in other.gaps]
    result.objects += other.objects
    result.read += other.read
    result.commits += other.commits


def _result(found: list[Credential], seen: Seen, gaps: list[Gap]) -> Scan:
    inside = [Gap(f"{name}: {reason}") for name, reason in seen.gaps[:GAPS_SHOWN]]
    if more := len(seen.gaps[GAPS_SHOWN:]):
        inside.append(Gap(f"{more} more {'file' if more == 1 else 'files'} could not be looked into."))
    return Scan(found, gaps + inside, seen.objects, seen.read)
