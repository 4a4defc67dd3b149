"""The story of a wipe: find, make the repository anew beside the old one, look whether anything is left, exchange."""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, count
from pathlib import Path

from seawall.audit.finding import Gap
from seawall.audit.history import git
from seawall.audit.history.git import Repository
from seawall.audit.history.places import Credential
from seawall.audit.history.scan import Scan, scan, submodules
from seawall.audit.history.wipe.contents import Pack, Rewritten
from seawall.audit.history.wipe.literals import Both, Literals
from seawall.audit.history.wipe.plan import Plan, plan, refs
from seawall.audit.history.wipe.refuse import Refused, check
from seawall.audit.history.wipe.rewrite import rewrite
from seawall.audit.history.wipe.staging import UNFINISHED, Step, holding, stage
from seawall.audit.history.wipe.swap import beside, discard, keep, locked, put, recover, take_back
from seawall.audit.history.wipe.targets import Target
from seawall.audit.secrets.scanner import Scanner
from seawall.errors import RepositoryUnusable

OWN_FILES = ("config", "hook", "git file")  # kinds of places in git's own files


class Remains(Refused):
    """The new repository still holds a secret: it was not put in place."""

    exit_code = 1

    def __init__(self, left: list[Credential], show: Callable[[Credential], str]) -> None:
        where = "\n".join(show(each) for each in left)
        super().__init__(
            "Credentials would remain, so nothing was changed.", "Report this; the files can be removed by hand.", where
        )


@dataclass
class Survey:
    """What was found, and what has to change."""

    repository: Repository
    literals: Literals
    judge: Scanner
    plan: Plan
    found: list[Credential]  # of the targets, each with its places
    gaps: list[Gap]
    own_files: list[Path]  # git's own files that hold a secret
    kept: frozenset[str]  # secrets that somebody decided to live with
    submodules: dict[Path, list[Credential]]  # what their own repositories hold, which have to be wiped by themselves

    @property
    def nothing(self) -> bool:
        """Whether the repository holds none of it; files that are not under version control do not count."""
        return not in_repository(self.found)


@dataclass
class Outcome:
    """What a wipe did."""

    backup: Path
    done: Rewritten
    remaining: list[Credential]
    elsewhere: list[Credential] = field(default_factory=list)  # in files that git does not know


@contextlib.contextmanager
def opened(path: Path, changing: bool = True) -> Iterator[Repository]:
    """The repository, as it was before a wipe that was killed, if one was. Raises RepositoryUnusable, Refused.

    Work in it that is not finished is no reason to refuse where it is not `changing`.
    """
    repository = git.find(path)
    if repository is None:
        raise RepositoryUnusable(f"There is no git repository in {path}.")
    with locked(repository.work_tree or repository.common_dir.parent):
        recover(repository)
        check(repository, changing)
        yield repository


def survey(
    repository: Repository,
    targets: Sequence[Target],
    scanner: Scanner,
    step: Step,
    kept: frozenset[str] | None = None,
) -> Survey:
    """Look where the targets are. With `kept` nothing else may be left that a rule finds, else none of the targets."""
    literals = Literals(targets, scanner)
    judge = Both(scanner, literals) if kept is not None else literals
    step("looking for what has to change")
    made = plan(repository, literals, os.cpu_count() or 1)
    step("looking where it is")
    seen = scan(_top(repository), literals, nested=False)
    return Survey(
        repository,
        literals,
        judge,
        made,
        seen.credentials,
        seen.gaps,
        list(holding(repository, literals)),
        kept or frozenset(),
        _in_submodules(repository, literals),
    )


def _in_submodules(repository: Repository, literals: Literals) -> dict[Path, list[Credential]]:
    """By the folder to wipe in: the submodule's work tree, or its repository where there is none."""
    found = {}
    for module in submodules(repository).values():
        if there := scan(module, literals, nested=False).credentials:
            tree = git.Repository(module, module, module, None).try_run("config", "core.worktree")
            folder = (module / os.fsdecode(tree).strip()).resolve()
            found[folder if folder.is_dir() else module] = there
    return found


def wipe(survey: Survey, backup: Path, files: bool, step: Step, show: Callable[[Credential], str]) -> Outcome:
    """Do it. `files`: also in git's own. Whatever fails or interrupts: the repository stays as it was."""
    old, folder = survey.repository, beside(survey.repository)
    algorithm = old.run("rev-parse", "--show-object-format").decode().strip()
    pack = Pack(algorithm)
    try:
        step("rewriting")
        done = rewrite(survey.plan, survey.literals, pack)
        new = stage(survey.plan, done, pack, folder, survey.literals, files, step)
        (folder / UNFINISHED).touch()
        step("looking whether anything is left")
        _judge(_left(survey, scan(folder, survey.judge, nested=False)), files, show)
        if refs(old) != survey.plan.refs:
            raise Refused("The repository changed meanwhile.", "Wipe again when nobody works in it.")
        put(old, new, step)
    except BaseException:
        discard(old, folder)
        raise
    return _finish(survey, done, new, backup, step)


def _finish(survey: Survey, done: Rewritten, new: Repository, backup: Path, step: Step) -> Outcome:
    old = survey.repository
    try:
        step("looking at the result")
        final = _left(survey, scan(_top(old), survey.judge, nested=False))
        step("keeping the original")
        keep(new.common_dir, backup)
    except BaseException:
        if new.common_dir.exists():
            take_back(old, new)
            discard(old, new.common_dir)
        raise
    (old.common_dir / UNFINISHED).unlink()
    inside = in_repository(final)
    return Outcome(backup, done, inside, [each for each in final if each not in inside])


def _left(survey: Survey, result: Scan) -> list[Credential]:
    """Without what may stay, and without the original, which is still beside the new repository, in its work tree."""
    beside_it = f"{beside(survey.repository).name}/"
    for each in result.credentials:
        each.places = [place for place in each.places if place.kind != "file" or not place.path.startswith(beside_it)]
    return [each for each in result.credentials if each.places and each.secret not in survey.kept]


def _judge(found: list[Credential], files: bool, show: Callable[[Credential], str]) -> None:
    """Raises Remains, but not for what the user wants to keep in git's own files."""
    left = [each for each in found if files or any(place.kind not in OWN_FILES for place in each.places)]
    if left:
        raise Remains(left, show)


def in_repository(found: Sequence[Credential]) -> list[Credential]:
    """Those seen in history or in git's own files, not only in files that git does not know."""
    return [each for each in found if any(place.commit or place.kind != "file" for place in each.places)]


def backup_path(repository: Repository, folder: Path | None, now: datetime) -> Path:
    """Where the original is kept: beside the repository, or in `folder`. Raises Refused where that is impossible.

    Of a repository in another one, such as a submodule: beside that, for in its work tree somebody would commit it.
    """
    top = _top(repository)
    above = _outside(top.parent)
    folder = folder or above
    if not os.access(folder, os.W_OK):
        raise Refused(f"The backup cannot be written to {folder}.", "Say where: --backup FOLDER")
    name = "-".join(part for part in top.relative_to(above).parts if part != ".git").removesuffix(".git")
    names = (f"{name}-before-wipe-{now:%Y-%m-%d-%H%M%S}{more}.git" for more in chain([""], map("-{}".format, count(2))))
    return next(folder / name for name in names if not (folder / name).exists())


def _outside(folder: Path) -> Path:
    """The nearest folder, itself or above, that is in no repository."""
    return next((each for each in (folder, *folder.parents) if git.find(each) is None), folder)


def _top(repository: Repository) -> Path:
    return repository.work_tree or repository.common_dir
