"""Which commits brought an object in, under which path, and what is still in a tip."""

import os
import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from mmap import ACCESS_READ, mmap
from subprocess import Popen
from threading import active_count
from typing import IO, NamedTuple

from seawall.audit import harmless
from seawall.audit.finding import Place
from seawall.audit.history.git import Repository, end_with_parent, environment
from seawall.audit.history.introductions import SUBMODULE, ByLog, ByTrees, Damaged
from seawall.audit.history.objects import Store
from seawall.audit.history.packed import Pack
from seawall.errors import RepositoryUnusable

_SEPARATOR = "\x1f"
ONE_BY_ONE = 1000  # commits that are asked about singly, as git gives up at the first damaged one
_FORMAT = "C%H%x1f%T%x1f%P%x1f%S%x1f%aI%x1f%an <%ae>"
_LOG = ("log", "--source", "--no-show-signature", "--date-order", f"--format={_FORMAT}")
# In a merge (-c) only what is in none of its parents is new; -t names folders too.
_RAW = (*harmless.DIFF, *("--raw", "-c", "-t", "--root", "--no-renames", "--no-abbrev", "--full-history"))


class Commit(NamedTuple):
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


class Introduction(NamedTuple):
    """A commit in which an object stands under a path that it did not stand under before."""

    commit: Commit
    path: str

    def place(self, line: int, within: tuple[str, ...], docstring: bool) -> Place:
        commit = self.commit
        return Place(commit.kind, self.path, line, within, commit.name, commit.author, commit.date, docstring)


_COMMIT = re.compile(rb"^C(.*)$", re.MULTILINE)


def _file() -> IO[bytes]:
    """One without a name."""
    try:
        folder = os.environ.get("TMPDIR") or "/tmp"
        return os.fdopen(os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600), "w+b")
    except OSError:  # not of this file system
        import tempfile  # imports much

        return tempfile.TemporaryFile()


class Log:
    """What git says of every commit, reachable or not. It writes files while objects are read."""

    def __init__(self, repository: Repository, by_trees: bool) -> None:
        self.repository = repository
        self.stopped = False
        self._tips: set[str] = set()
        self._begin(by_trees)

    def _begin(self, by_trees: bool) -> None:
        self.commits: dict[str, Commit] = {}  # newest first
        self.whole = True  # whether git could read it to its end
        self.by_trees = by_trees  # which are compared by ourselves
        self.brought: ByTrees | ByLog = ByLog()
        self._numbered: list[Commit] = []  # in the order read: one may come twice
        self._trees: dict[str, str] = {}  # of commits
        self._running = {"": self._start("--all")}
        if self.repository.reflogs:
            self._running["reflog"] = self._start("--reflog", "--not", "--all")

    def _start(self, *which: str, input: bytes = b"") -> tuple[Popen[bytes], IO[bytes]]:
        file = _file()
        with _file() as asked:
            asked.write(input)
            asked.seek(0)
            raw = () if self.by_trees else _RAW
            command = self.repository.command("-c", "core.quotePath=false", *_LOG, *raw, *which)
            first = end_with_parent if active_count() == 1 else None  # nothing may be done there once there are threads
            return Popen(command, stdin=asked, stdout=file, env=environment(), preexec_fn=first), file  # noqa: PLW1509

    def finish(self, packs: Sequence[Pack], tips: set[str]) -> None:
        """Wait for it. If trees are damaged or not there git is asked for all of it."""
        self._tips = tips
        try:
            if self.by_trees:
                self._compare(packs)
            self._finish()
        except (Damaged, RepositoryUnusable):
            self._by_log()

    def _compare(self, packs: Sequence[Pack]) -> None:
        if not packs:
            raise Damaged
        self.brought = ByTrees(self.repository, packs)
        if self.stopped:
            raise Damaged

    def _by_log(self) -> None:
        self._end()
        if self.stopped:
            raise Damaged
        self._begin(by_trees=False)
        self._finish()

    def _end(self) -> None:
        for process, file in self._running.values():
            process.kill()
            process.wait()
            file.close()

    def stop(self) -> None:
        """Nobody waits for it any more: what another thread does here ends soon."""
        self.stopped = True
        if isinstance(self.brought, ByTrees):
            self.brought.stop()
        for process, _ in self._running.values():
            process.kill()

    def _finish(self) -> None:
        for source, running in self._running.items():
            self.whole &= self._read(*running, source)

    def ask(self, commits: Sequence[str]) -> None:
        """Take in commits that nothing leads to. What they lack is not missing."""
        if not commits:
            return
        try:
            whole = self._ask(commits)
        except Damaged:
            self._by_log()
            whole = self._ask(commits)
        if not whole:
            for each in [name for name in commits if name not in self.commits][:ONE_BY_ONE]:
                self._ask([each])

    def _ask(self, commits: Sequence[str]) -> bool:
        return self._read(*self._start("--no-walk", "--stdin", input="\n".join(commits).encode()), "")

    def _read(self, process: Popen[bytes], file: IO[bytes], source: str) -> bool:
        ended_well = process.wait() == 0
        if not ended_well and isinstance(self.brought, ByTrees):
            raise Damaged
        if not os.fstat(file.fileno()).st_size:
            return ended_well
        text = mmap(file.fileno(), 0, access=ACCESS_READ)
        first, starts, parents = len(self._numbered), [], []
        for match in _COMMIT.finditer(text):
            fields = match[1].decode("utf-8", "replace").split(_SEPARATOR, 5)
            name, self._trees[name], before, ref, date, author = fields
            ref = "" if ref == name else ref  # it was asked for by that, as nothing leads to it
            self._numbered.append(self.commits.setdefault(name, Commit(name, source or ref, author, date)))
            starts.append(match.start())
            parents.append((name, before.split()))
        if isinstance(self.brought, ByLog):
            self.brought.read(text, starts, first, (self._trees[name] for name, _ in parents))
        elif all(each in self._trees for _, before in parents for each in before):
            if not first:
                self._mark(self.brought)
            self.brought.read([self._trees[each] for each in (name, *before)] for name, before in parents)
        else:
            raise Damaged
        return ended_well

    def _mark(self, trees: ByTrees) -> None:
        """What stands in tips, those beside each other that are of the same time."""
        if not self._tips <= self.commits.keys():
            raise Damaged
        trees.mark(self._trees[name] for name in self.commits if name in self._tips)

    @property
    def paths(self) -> Iterable[str]:
        """All there ever were, of files and folders."""
        return self.brought.paths

    def introductions(self, wanted: set[str]) -> dict[str, list[Introduction]]:
        """Where the `wanted` objects came in, newest first."""
        found: dict[str, list[Introduction]] = {}
        for name, commit, path in self.brought.of(wanted):
            found.setdefault(name, []).append(Introduction(self._numbered[commit], path))
        return found

    def naming(self, texts: set[str]) -> dict[str, list[Introduction]]:
        """Where paths that contain one of `texts` came in, newest first."""
        found: dict[str, list[Introduction]] = {}
        for text in texts:
            rows = self.brought.at({path for path in self.paths if text in path})
            found[text] = [Introduction(self._numbered[commit], path) for _, commit, path in rows]
        return {text: there for text, there in found.items() if there}

    def standing(self, paths: set[str]) -> dict[str, str]:
        """The objects that ever stood under one of `paths`, each with the path."""
        return {name: path for name, _, path in self.brought.at(paths) if name != SUBMODULE} if paths else {}

    def strangers(self, store: Store) -> set[str]:
        """Objects that stand in no commit and are no commit that something leads to."""
        return self.brought.strangers(store) - self.commits.keys()

    @cached_property
    def order(self) -> dict[str, int]:
        """Each commit's age: larger for older ones."""
        return {name: number for number, name in enumerate(self.commits)}

    def in_tips(self, wanted: set[str]) -> set[str]:
        """Those of the `wanted` objects that are in HEAD or a branch's tip."""
        if isinstance(self.brought, ByTrees):
            return self.brought.in_tips(wanted)
        return in_tips(self.repository, self._tips, wanted)


def in_tips(repository: Repository, tips: Iterable[str], wanted: set[str]) -> set[str]:
    """Those of the `wanted` objects that stand in one of the commits `tips`."""
    there, asked = set[bytes](), "".join(name + "\n" for name in tips).encode()
    if asked:
        command = ("rev-list", "--objects", "--no-walk", "--missing=allow-any", "--stdin")
        there.update(line.split(None, 1)[0] for line in repository.lines(*command, input=asked))
    return {name for name in wanted if name.encode() in there}
