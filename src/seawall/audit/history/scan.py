"""All of a repository, looked at once: which credentials are in it, where, and what could not be looked at."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from seawall.audit.finding import Gap
from seawall.audit.history import files, git, objects
from seawall.audit.history.git import Repository
from seawall.audit.history.objects import Listed
from seawall.audit.history.places import Credential, credentials
from seawall.audit.history.reader import Seen, read
from seawall.audit.secrets.deep import look
from seawall.audit.secrets.scanner import Scanner

Progress = Callable[[str, int, int], None]  # what is done, bytes done, bytes in all
GAPS_SHOWN = 20  # of one kind


@dataclass
class Scan:
    """What was found and what was not looked at."""

    credentials: list[Credential] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    objects: int = 0
    read: int = 0  # bytes
    commits: int = 0


def scan(path: Path, scanner: Scanner, processes: int | None = None, progress: Progress = lambda *_: None) -> Scan:
    """Look at the repository in or above `path`, or at a folder that is in none. Raises RepositoryUnusable."""
    processes = processes or os.cpu_count() or 1
    repository = git.find(path)
    if repository is None:
        listed = [_file(each) for each in files.in_folder(path.resolve())]
        seen = _read(None, scanner, listed, processes, progress)
        return _result(credentials(None, path.resolve(), seen, []), seen, [])
    listed = objects.objects(repository)
    gaps = _nested(repository)
    others = [path for _, path in files.administrative(repository)]
    if repository.work_tree:
        others += files.uncommitted(repository)
    seen = _read(repository, scanner, listed + [_file(each) for each in others], processes, progress)
    seen.sightings += [("", "ref", each) for each in look(scanner, files.ref_names(repository), [])]
    if repository.work_tree:
        seen.sightings += [("", "index", each) for each in look(scanner, files.staged_names(repository), [])]
    walk = objects.walk(repository, lambda path: False)
    gaps += objects.gaps(repository, walk.missing + seen.missing)
    commits = [each.name for each in listed if each.kind == "commit"]
    result = _result(credentials(repository, path.resolve(), seen, commits), seen, gaps)
    result.commits = len(commits)
    return result


def _file(path: Path) -> Listed:
    return Listed(str(path), "file", path.lstat().st_size)


def _read(
    repository: Repository | None, scanner: Scanner, listed: list[Listed], processes: int, progress: Progress
) -> Seen:
    total = sum(each.size for each in listed)
    seen = Seen()
    progress("reading", 0, total)
    for part in read(repository, scanner, listed, processes):
        seen.add(part)
        progress("reading", seen.read, total)
    return seen


def _nested(repository: Repository) -> list[Gap]:
    """Other repositories in this one have histories of their own."""
    modules = sorted(
        each.parent
        for each in (repository.common_dir / "modules").glob("**/HEAD")
        if (each.parent / "objects").is_dir()
    )
    return [
        Gap(f"The history of the submodule in {each} was not looked at.", f"Look: seawall secrets scan {each}")
        for each in modules
    ]


def _result(found: list[Credential], seen: Seen, gaps: list[Gap]) -> Scan:
    inside = [Gap(f"{name}: {reason}") for name, reason in seen.gaps[:GAPS_SHOWN]]
    if len(seen.gaps) > GAPS_SHOWN:
        inside.append(Gap(f"{len(seen.gaps) - GAPS_SHOWN} more files could not be looked into."))
    return Scan(found, gaps + inside, seen.objects, seen.read)
