"""Which commits brought an object in, under which path, and what is still in a tip."""

import os
import re
import tempfile
from bisect import bisect
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from mmap import ACCESS_READ, mmap
from subprocess import Popen
from typing import IO

from seawall.audit.finding import Place
from seawall.audit.history.git import Repository, end_with_parent, environment

_SEPARATOR = "\x1f"  # git takes no control characters into names
_FORMAT = "C%H%x1f%T%x1f%S%x1f%an <%ae>%x1f%aI"
# In a merge (-c) only what is in none of its parents is new; -t names folders too.
_LOG = ("-c", "core.quotePath=false", "log", "--raw", "-c", "-t", "--root", "--no-renames", "--no-abbrev", "--source",
        "--full-history", "--no-show-signature", "--date-order", f"--format={_FORMAT}")  # fmt: skip


@dataclass(frozen=True)
class Commit:
    """Who and when; `source` is a ref that leads to it, "reflog", or "" if nothing does."""

    name: str
    source: str
    author: str
    date: str

    @property
    def kind(self) -> str:
        """What a file in it is called in Place.kind."""
        if self.source == "refs/stash":
            return "stash"
        if self.source.startswith("refs/notes/"):
            return "note"
        if self.source == "reflog":
            return "reflog"
        return "file" if self.source else "unreachable commit"


@dataclass(frozen=True)
class Introduction:
    """A commit in which an object stands under a path that it did not stand under before."""

    commit: Commit
    path: str

    def place(self, line: int, within: tuple[str, ...]) -> Place:
        commit = self.commit
        return Place(commit.kind, self.path, line, within, commit.name, commit.author, commit.date)


# What a raw line, `:modes… names… status`, says stands there now is the last of its names.
_RAW = re.compile(rb"^:[^\t\n]* ([0-9a-f]{40,64}) [A-Z]+\t(.*)$", re.MULTILINE)
_SUBMODULE = re.compile(rb"^:[^\t\n]*\b160000 [^\t\n]* ([0-9a-f]{40,64}) [A-Z]+\t", re.MULTILINE)
_COMMIT = re.compile(rb"^C(.*)$", re.MULTILINE)


class Log:
    """What `git log` says of every commit, reachable or not. It writes files while objects are read."""

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self.commits: dict[str, Commit] = {}  # newest first
        self.introduced: set[bytes] = set()  # names of objects that stand in a commit: blobs and trees
        self.paths: set[bytes] = set()  # as git prints them
        self.whole = True  # whether git could read it to its end
        self._running = [self._start("--all"), self._start("--reflog", "--not", "--all")]
        self._texts: list[tuple[mmap, list[int], list[Commit]]] = []  # and where in it which commit begins

    def _start(self, *which: str, input: bytes = b"") -> tuple[Popen[bytes], IO[bytes]]:
        file = tempfile.TemporaryFile()  # noqa: SIM115
        with tempfile.TemporaryFile() as asked:
            asked.write(input)
            asked.seek(0)
            command = self.repository.command(*_LOG, *which)
            # Only the long ones, which begin before there are threads.
            early = None if input else end_with_parent
            return Popen(command, stdin=asked, stdout=file, env=environment(), preexec_fn=early), file  # noqa: PLW1509

    def finish(self) -> None:
        """Wait for it."""
        for source, running in zip(("", "reflog"), self._running, strict=True):
            self.whole &= self._read(*running, source)
        self._discard()

    def ask(self, commits: Sequence[str]) -> None:
        """Take in commits that nothing leads to. What they lack is not missing."""
        if commits:
            self._read(*self._start("--no-walk", "--stdin", input="\n".join(commits).encode()), "")
            self._discard()

    def _discard(self) -> None:
        self.introduced.discard(b"0" * len(next(iter(self.introduced), b"")))  # what a deletion leaves

    def _read(self, process: Popen[bytes], file: IO[bytes], source: str) -> bool:
        ended_well = process.wait() == 0
        if not os.fstat(file.fileno()).st_size:
            return ended_well
        text = mmap(file.fileno(), 0, access=ACCESS_READ)
        starts, commits = [], []
        for match in _COMMIT.finditer(text):
            name, tree, ref, author, date = match[1].decode("utf-8", "replace").split(_SEPARATOR)
            self.introduced.add(tree.encode())
            commit = self.commits.setdefault(name, Commit(name, source or ref, author, date))
            starts.append(match.start())
            commits.append(commit)
        there = _RAW.findall(text)
        self.introduced.update(name for name, _ in there)
        self.paths.update(path for _, path in there)
        if text.find(b" 160000 ") >= 0:
            self.introduced.difference_update(_SUBMODULE.findall(text))  # commits of other repositories
        self._texts.append((text, starts, commits))
        return ended_well

    def _matching(self, group: int, wanted: Container[bytes]) -> Iterator[tuple[str, Introduction]]:
        """Objects and their introductions, newest first, from the raw lines whose object (1) or path (2) is wanted."""
        for text, starts, commits in self._texts:
            for match in _RAW.finditer(text):
                if match[group] in wanted:
                    commit = commits[bisect(starts, match.start()) - 1]
                    yield match[1].decode(), Introduction(commit, unquote(match[2]))

    def introductions(self, wanted: set[str]) -> dict[str, list[Introduction]]:
        """Where the `wanted` objects came in, newest first."""
        found: dict[str, list[Introduction]] = {}
        for name, introduction in self._matching(1, {name.encode() for name in wanted}):
            found.setdefault(name, []).append(introduction)
        return found

    def naming(self, texts: set[str]) -> dict[str, list[Introduction]]:
        """Where paths that contain one of `texts` came in, newest first."""
        found: dict[str, list[Introduction]] = {}
        for text in texts:
            paths = {path for path in self.paths if text in unquote(path)}
            found[text] = [introduction for _, introduction in self._matching(2, paths)]
        return {text: there for text, there in found.items() if there}

    def standing(self, paths: set[bytes]) -> dict[str, str]:
        """The objects that ever stood under one of `paths` (as git prints them), each with the path."""
        return {name: each.path for name, each in self._matching(2, paths)} if paths else {}

    @cached_property
    def order(self) -> dict[str, int]:
        """Each commit's age: larger for older ones."""
        return {name: number for number, name in enumerate(self.commits)}


_ESCAPES = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v"}


def unquote(path: bytes) -> str:
    """A path as git prints it: in quotes and with C's escapes where it has unusual characters."""
    if path.startswith(b'"'):
        path = re.sub(rb"\\([0-7]{3}|.)", lambda m: _unescaped(m[1]), path[1:-1])
    return path.decode("utf-8", "replace")


def _unescaped(escape: bytes) -> bytes:
    return bytes([int(escape, 8)]) if len(escape) == 3 else _ESCAPES.get(escape, escape)


_FIRST = re.compile(rb"^[0-9a-f]{40,64}", re.MULTILINE)


def in_tips(repository: Repository, wanted: set[str]) -> set[str]:
    """Those of the `wanted` objects that are in HEAD, a branch's tip or the index."""
    tips = ("--branches", "--remotes", *(["HEAD"] if repository.try_run("rev-parse", "--verify", "-q", "HEAD") else []))
    there: set[bytes] = set()
    if repository.try_run("rev-list", "--max-count=1", *tips):
        for lines in repository.blocks("rev-list", "--objects", "--no-walk", "--missing=allow-any", *tips):
            there.update(_FIRST.findall(lines))
    if repository.work_tree:
        there.update(line.split()[1] for line in repository.lines("ls-files", "--stage"))
    return {name for name in wanted if name.encode() in there}
