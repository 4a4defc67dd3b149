"""When not to begin: what would be lost, and what could not be wiped."""

from collections.abc import Iterator
from pathlib import Path

from seawall.audit.history.git import Repository
from seawall.audit.history.objects import gaps
from seawall.audit.history.objects import missing as absent
from seawall.errors import SeawallError

_UNFINISHED = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "BISECT_LOG", "rebase-merge", "rebase-apply",
               "sequencer")  # fmt: skip


class Refused(SeawallError):
    """The repository is in a state in which nothing can be wiped safely."""

    exit_code = 2


class Incomplete(SeawallError):
    """Part of the history is not here."""

    exit_code = 3


def check(repository: Repository, changing: bool = True) -> None:
    """Raise Refused or Incomplete, naming the first reason and what to do about it.

    Unless it is `changing`, work that is not finished is none: nothing can be lost.
    """
    missing = gaps(repository, absent(repository))
    if missing:
        raise Incomplete(
            f"{missing[0].what} What is not here cannot be wiped.",
            f"{missing[0].remedy.removesuffix('.')}. Or wipe in the repository that this one was cloned from.",
        )
    for problem, remedy in (*_shape(repository), *(_work(repository) if changing else ())):
        raise Refused(problem, remedy)


def _shape(repository: Repository) -> Iterator[tuple[str, str]]:
    common = repository.common_dir
    if repository.git_dir != common:
        yield "This is a linked work tree.", f"Wipe in the main one: cd {common.parent}"
    if trees := [each for each in (common / "worktrees").glob("*") if each.is_dir()]:
        where = " ".join(each.name for each in trees)
        yield f"There are linked work trees: {where}.", "Remove them: git worktree remove NAME (or: git worktree prune)"
    if (common / "objects" / "info" / "alternates").exists():
        yield (
            "Objects are borrowed from another repository, where they would remain.",
            "Copy them: git repack -a -d && rm .git/objects/info/alternates. Then wipe in the other one as well.",
        )
    if (grafts := common / "info" / "grafts").exists() and grafts.read_text().strip():
        yield "Grafts change what is whose parent.", "Make them part of it: git replace --convert-graft-file"
    if (common / "reftable").exists():
        yield "The refs are kept as a reftable.", "Migrate them first: git refs migrate --ref-format=files"
    if common.is_symlink() or (common / "objects").is_symlink():
        yield "Git's folder is a symbolic link.", f"Wipe in {common.resolve().parent}."


def _work(repository: Repository) -> Iterator[tuple[str, str]]:
    for name in _UNFINISHED:
        if (repository.git_dir / name).exists():
            yield f"Something is unfinished: {name}.", "Finish it or give it up (git status says how), then wipe."
    if locks := list(_locks(repository.common_dir)):
        yield f"Git is at work: {locks[0]} exists.", "Wait until it ends. If none runs, remove the file."
    if repository.work_tree and (changed := repository.run("status", "--porcelain", "--untracked-files=no")):
        yield (
            f"{counted(len(changed.splitlines()), 'file has', 'files have')} changes that are not committed.",
            "Commit them, or put them aside: git stash (stashes are wiped too, and kept).",
        )


def counted(count: int, one: str, many: str) -> str:
    """A number and what there is so much of."""
    return f"{count} {one if count == 1 else many}"


def _locks(folder: Path) -> Iterator[Path]:
    yield from folder.glob("*.lock")
    yield from (folder / "refs").rglob("*.lock")
