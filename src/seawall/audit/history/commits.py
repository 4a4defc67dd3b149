"""Which commits brought an object in, under which path, and what is still in a tip."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from seawall.audit.finding import Place
from seawall.audit.history.git import Repository

_SEPARATOR = "\x1f"  # git takes no control characters into names
_FORMAT = "C%H%x1f%S%x1f%an <%ae>%x1f%aI"
_LOG = ("-c", "core.quotePath=false", "log", "--raw", "-c", "--root", "--no-renames", "--no-abbrev", "--full-history",
        "--no-show-signature", "--source", "--date-order", f"--format={_FORMAT}")  # fmt: skip


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


@dataclass
class History:
    """All commits, and the introductions of what is looked for; both newest first."""

    commits: dict[str, Commit] = field(default_factory=dict)
    objects: dict[str, list[Introduction]] = field(default_factory=dict)
    names: dict[str, list[Introduction]] = field(default_factory=dict)  # by the text that the path contains

    def order(self, commit: str) -> int:
        """Larger for older ones; what is in no commit is newest."""
        return self._order.get(commit, -1)

    @cached_property
    def _order(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.commits)}


def history(repository: Repository, wanted: set[str], names: set[str], unreachable: Iterable[str]) -> History:
    """Where the `wanted` objects, and paths that contain one of `names`, came in.

    `unreachable` are commits that perhaps no ref leads to. In a merge only what is in none of its parents is new.
    """
    found = History()
    _collect(repository.lines(*_LOG, "--all"), "", wanted, names, found)
    _collect(repository.lines(*_LOG, "--reflog", "--not", "--all"), "reflog", wanted, names, found)
    if left := [name for name in unreachable if name not in found.commits]:
        asked = "\n".join(left).encode()
        _collect(repository.lines(*_LOG, "--no-walk", "--stdin", input=asked), "", wanted, names, found)
    return found


def _collect(lines: Iterable[bytes], source: str, wanted: set[str], names: set[str], found: History) -> None:
    commit: Commit | None = None
    for raw in lines:
        if raw.startswith(b":"):
            assert commit is not None
            fields, _, quoted = raw.rstrip(b"\n").partition(b"\t")
            parents = len(fields) - len(fields.lstrip(b":"))
            name = fields.split()[2 * parents + 1].decode()
            if name in wanted or names:
                introduction = Introduction(commit, unquote(quoted))
                if name in wanted:
                    found.objects.setdefault(name, []).append(introduction)
                for each in names:
                    if each in introduction.path:
                        found.names.setdefault(each, []).append(introduction)
        elif raw.startswith(b"C"):
            name, ref, author, date = raw[1:].decode("utf-8", "replace").rstrip("\n").split(_SEPARATOR)
            commit = found.commits[name] = Commit(name, source or ref, author, date)


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
