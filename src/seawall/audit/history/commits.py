"""Which commits brought an object in, under which path, and what is still in a tip."""

import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from subprocess import Popen
from typing import IO

from seawall.audit.finding import Place
from seawall.audit.history.git import Repository, environment

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


class Log:
    """What `git log` says of every commit, reachable or not. It writes a file while objects are read."""

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self.commits: dict[str, Commit] = {}  # newest first
        self.introduced: set[str] = set()  # objects that stand in a commit: blobs and trees
        self.paths: set[bytes] = set()  # as git prints them
        self.whole = True  # whether git could read it to its end
        self._files = [self._start("--all"), self._start("--reflog", "--not", "--all")]

    def _start(self, *which: str, input: bytes = b"") -> tuple[Popen[bytes], IO[bytes]]:
        file = tempfile.TemporaryFile()  # noqa: SIM115
        with tempfile.TemporaryFile() as asked:
            asked.write(input)
            asked.seek(0)
            return Popen(self.repository.command(*_LOG, *which), stdin=asked, stdout=file, env=environment()), file

    def finish(self, commits: Iterable[str]) -> None:
        """Wait for it, and ask about those of `commits` that nothing led to."""
        for number, (process, file) in enumerate(self._files):
            self.whole &= process.wait() == 0
            file.seek(0)
            self._read(file, "reflog" if number else "")
        left = [name for name in commits if name not in self.commits]
        if left:
            process, file = self._start("--no-walk", "--stdin", input="\n".join(left).encode())
            self._files.append((process, file))
            process.wait()  # what a broken one lacks is missing elsewhere too
            file.seek(0)
            self._read(file, "")

    def _read(self, file: IO[bytes], source: str) -> None:
        for line in file:
            if line.startswith(b":"):
                fields, _, path = line.rstrip(b"\n").partition(b"\t")
                if b" 160000 " not in fields:  # a submodule's commit is in another repository
                    self.introduced.add(_new(fields))
                self.paths.add(path)
            elif line.startswith(b"C"):
                name, tree, ref, author, date = line[1:].decode("utf-8", "replace").rstrip("\n").split(_SEPARATOR)
                self.introduced.add(tree)
                self.commits[name] = Commit(name, source or ref, author, date)

        self.introduced.discard("0" * len(next(iter(self.introduced), "")))  # what a deletion leaves

    def introductions(self, wanted: set[str]) -> dict[str, list[Introduction]]:
        """Where the `wanted` objects came in, newest first."""
        found: dict[str, list[Introduction]] = {}
        for commit, fields, path in self._lines():
            if (name := _new(fields)) in wanted:
                found.setdefault(name, []).append(Introduction(self.commits[commit], unquote(path)))
        return found

    def naming(self, texts: set[str]) -> dict[str, list[Introduction]]:
        """Where paths that contain one of `texts` came in, newest first."""
        found: dict[str, list[Introduction]] = {}
        for commit, _, path in self._lines() if texts else ():
            for text in texts:
                if text in (name := unquote(path)):
                    found.setdefault(text, []).append(Introduction(self.commits[commit], name))
        return found

    def standing(self, paths: set[bytes]) -> dict[str, str]:
        """The objects that ever stood under one of `paths` (as git prints them), each with the path."""
        return {_new(fields): unquote(path) for _, fields, path in self._lines() if path in paths} if paths else {}

    def _lines(self) -> Iterator[tuple[str, bytes, bytes]]:
        for _, file in self._files:
            file.seek(0)
            commit = ""
            for line in file:
                if line.startswith(b":"):
                    fields, _, path = line.rstrip(b"\n").partition(b"\t")
                    yield commit, fields, path
                elif line.startswith(b"C"):
                    commit = line[1:].decode("utf-8", "replace").partition(_SEPARATOR)[0]

    @cached_property
    def order(self) -> dict[str, int]:
        """Each commit's age: larger for older ones."""
        return {name: number for number, name in enumerate(self.commits)}


def _new(fields: bytes) -> str:
    """The object that a raw line, `:modes… names… status`, says stands there now: the last of the names."""
    return fields.rsplit(b" ", 2)[1].decode()


_ESCAPES = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v"}


def unquote(path: bytes) -> str:
    """A path as git prints it: in quotes and with C's escapes where it has unusual characters."""
    if path.startswith(b'"'):
        path = re.sub(rb"\\([0-7]{3}|.)", lambda m: _unescaped(m[1]), path[1:-1])
    return path.decode("utf-8", "replace")


def _unescaped(escape: bytes) -> bytes:
    return bytes([int(escape, 8)]) if len(escape) == 3 else _ESCAPES.get(escape, escape)


def in_tips(repository: Repository, wanted: set[str]) -> set[str]:
    """Those of the `wanted` objects that are in HEAD, a branch's tip or the index."""
    tips = ("--branches", "--remotes", *(["HEAD"] if repository.try_run("rev-parse", "--verify", "-q", "HEAD") else []))
    there: set[str] = set()
    if repository.try_run("rev-list", "--max-count=1", *tips):
        lines = repository.lines("rev-list", "--objects", "--no-walk", "--missing=allow-any", *tips)
        there = {line[: _name_length(line)].decode() for line in lines}
    if repository.work_tree:
        there |= {line.split()[1].decode() for line in repository.lines("ls-files", "--stage")}
    return wanted & there


def _name_length(line: bytes) -> int:
    end = line.find(b" ")
    return end if end >= 0 else len(line.rstrip())
