"""What is about to be committed or pushed, asked of git as the hook sees it.

A hook's environment counts here: while `git commit FILE` runs, GIT_INDEX_FILE names another index than the usual one.
history/git.py, which looks at whole repositories, leaves it out.
"""

import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from seawall.audit import harmless
from seawall.errors import ProgramMissing, RepositoryUnusable, SeawallError

_SUBMODULE = "160000"
_ZEROS = "0000000"  # an object that is none begins so


@dataclass(frozen=True)
class Change:
    """An object that is new; `before` are names of versions of the same file that were there: see gitrevisions(7)."""

    object: str
    path: str  # "" of commits and tags
    before: tuple[str, ...] = ()
    replaces: str = ""  # the object among them that surely is there, if one is


class GitMissing(ProgramMissing):
    """git is not installed."""

    exit_code = 2


class ObjectsMissing(SeawallError):
    """What is to be looked at is not all here."""

    exit_code = 3


def git(*arguments: str, input: bytes | None = None) -> bytes:
    """What git prints. Raises RepositoryUnusable, in git's own words where they help, GitMissing."""
    return _answer(harmless.git(*arguments), arguments[0], input)


def setting(*arguments: str) -> bytes:
    """The same of `git config` and `git rev-parse`, which run nothing, with the repository's own core.hooksPath."""
    return _answer(["git", *arguments], arguments[0])


def _answer(command: list[str], verb: str, input: bytes | None = None) -> bytes:
    try:
        done = subprocess.run(command, input=input, capture_output=True, env=environment(), check=False)
    except FileNotFoundError:
        raise GitMissing("git is not installed.", "Install it: sudo apt-get install git") from None
    if done.returncode:
        in_repository()
        raise RepositoryUnusable(f"git {verb} failed.", detail=done.stderr.decode(errors="replace"))
    return done.stdout


def in_repository() -> None:
    """Raise RepositoryUnusable where there is none, or somebody else's: git says many other things then."""
    from seawall.audit.history.git import find

    if "GIT_DIR" not in os.environ and find(Path.cwd()) is None:
        raise RepositoryUnusable(f"There is no git repository in {Path.cwd()}.", "Go to one, or make one: git init")


def environment() -> dict[str, str]:
    """The hook's own, but nothing is fetched and no lock is taken."""
    return {**os.environ, **harmless.ENVIRONMENT}


def top() -> Path:
    """The top folder of the work tree: hooks run there, people anywhere in it."""
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), here)


def staged() -> list[Change]:
    """Files as they are in the index where HEAD has another version, or none. A merge is compared to both sides."""
    raw = git(
        "diff", "--cached", "--raw", "-z", "--no-abbrev", *harmless.DIFF, "--ignore-submodules=all",
        "--find-renames", "-l400", "--diff-filter=ACMRT",
    )  # fmt: skip
    return list(_staged(os.fsdecode(raw).split("\0")))


def _staged(fields: Sequence[str]) -> Iterator[Change]:
    at = 0
    while at + 1 < len(fields):
        _, mode, before, name, status = fields[at].split(" ")
        moved = status[0] in "RC"
        path = fields[at + (2 if moved else 1)]
        at += 3 if moved else 2
        if mode != _SUBMODULE:
            replaces = "" if before.startswith(_ZEROS) else before
            known = (replaces,) if replaces else ()
            yield Change(name, path, (*known, f"MERGE_HEAD:{path}"), replaces)


def pushed(lines: bytes, remote: str) -> list[Change]:
    """What a push sends, from what git tells the hook: local ref and object, remote ref and object (githooks(5))."""
    asked = []
    for line in filter(None, lines.decode("utf-8", "surrogateescape").split("\n")):
        _, local, _, there = line.rsplit(" ", 3)
        if not local.startswith(_ZEROS):
            asked += [local] if there.startswith(_ZEROS) else [local, f"^{there}"]
    # What the remote has and we do not is no reason to fail: then more is looked at.
    return _reachable(asked, "--ignore-missing", "--not", f"--remotes={remote}", "--not") if asked else []


def unpushed(remote: str) -> list[Change]:
    """What the remote has not, of all that HEAD leads to: for who is not told more."""
    return _reachable(["HEAD"], "--not", f"--remotes={remote}", "--not")


def ranged(revisions: str) -> list[Change]:
    """What the commits of a range bring in. Raises RepositoryUnusable where there is no such range."""
    words = revisions.split()
    if not words or any(word.startswith("-") for word in words):
        raise RepositoryUnusable(f"{revisions} is no range of commits.", "Say: --range main..HEAD")
    try:
        return _reachable(words)
    except RepositoryUnusable:
        ends = [end for word in words for end in re.split(r"\.{2,3}", word.removeprefix("^")) if end]
        for end in ends:
            if not _commit(end):
                raise RepositoryUnusable(f"There is no commit {end} here.", _FETCH) from None
        raise


_FETCH = "Is it spelt right? In CI, fetch the whole history: fetch-depth: 0, GIT_DEPTH: 0"


def _commit(name: str) -> bool:
    try:
        return bool(git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"))
    except RepositoryUnusable:
        return False


def whole() -> None:
    """Raise ObjectsMissing in a shallow clone: which commits a range has depends on what is not here."""
    if git("rev-parse", "--is-shallow-repository").strip() == b"true":
        raise ObjectsMissing(
            "This is a shallow clone: older commits are missing.",
            "Fetch them: git fetch --unshallow. In CI: fetch-depth: 0, GIT_DEPTH: 0",
        )


def _reachable(revisions: Sequence[str], *options: str) -> list[Change]:
    arguments = ("rev-list", "--objects", "--boundary", *options, "--stdin")
    lines = os.fsdecode(git(*arguments, input=os.fsencode("\n".join(revisions)))).split("\n")[:-1]
    edge = [line[1:].split(" ", 1)[0] for line in lines if line.startswith("-")]
    found = []
    for line in lines:
        if not line.startswith("-"):
            name, _, path = line.partition(" ")
            found.append(Change(name, path, tuple(f"{commit}:{path}" for commit in edge) if path else ()))
    return found


def everywhere(objects: Iterable[str], edges: Iterable[str]) -> dict[str, set[str]]:
    """Every path that each of the objects came to in commits that the `edges` do not have: rev-list names but one."""
    wanted = set(objects)
    options = ("--format=", "--raw", "-z", "--no-abbrev", *harmless.DIFF, "--no-renames", "-m", "--root")
    which = [*(f"--find-object={name}" for name in sorted(wanted)), "--all", "HEAD", *(f"^{edge}" for edge in edges)]
    fields = os.fsdecode(git("log", *options, *which)).split("\0")
    found: dict[str, set[str]] = {}
    for about, path in zip(fields[::2], fields[1::2], strict=False):
        if (name := about.split(" ")[3]) in wanted:
            found.setdefault(name, set()).add(path)
    return found
