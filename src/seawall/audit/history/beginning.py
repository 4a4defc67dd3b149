"""What a scan begins with and what runs without us: git lists the commits, packs are opened.

It imports little, so that the command line can begin before it imports all the rest, which takes as long.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import NamedTuple

from seawall.audit.history import git
from seawall.audit.history.ahead import Ahead
from seawall.audit.history.commits import Log
from seawall.audit.history.git import Repository
from seawall.audit.history.packed import Pack, packs, readable
from seawall.audit.top import own_rules, top_of


class Beginning:
    """Of the repository in or above `path`. What was begun and is not wanted any more ends with the block."""

    def __init__(
        self, path: Path, ahead: Ahead | None = None, rules: Sequence[Path] = (), processes: int | None = None
    ) -> None:
        """`ahead`, if there is one, begins to read, with files of `rules` besides ours. Raises RepositoryUnusable."""
        self.repository = git.find(path)
        self.top = top_of(self.repository, path)
        self.own = own_rules(self.top, rules)
        self.processes = processes or os.cpu_count() or 1
        self.ahead = ahead
        self.log: Log | None = None  # of a file, or of a folder in no repository, there is none
        self._packs: list[Pack] = []
        self._error: OSError | MemoryError | None = None  # of the thread
        self._origin: Origin | None = None
        self._thread = Thread(target=self._open)
        versioned = self.repository and path.is_dir()
        if ahead and versioned:
            ahead.begin(self.own, "everything", self.repository, self.processes, None)
        elif ahead:
            ahead.begin(self.own, "in_folder", path.resolve(), self.processes)
        if self.repository and versioned:
            self.log = Log(self.repository, by_trees=readable(self.repository))
            self._thread.start()

    def __enter__(self) -> "Beginning":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.log:
            self._thread.join()
            self.log.stop()

    def _open(self) -> None:
        assert self.repository is not None
        try:
            self._packs = packs(self.repository)
            self._origin = _origin(self.repository)
        except (OSError, MemoryError) as error:
            self._error = error

    def origin(self) -> "Origin":
        """Where the repository comes from; nothing where there is none."""
        if self.log:
            self._thread.join()
        return self._origin or _origin(self.repository)

    def packs(self) -> list[Pack]:
        """Those of the repository that can be read. No thread is left then, so that processes may be forked.

        Raises OSError and MemoryError, as in the thread.
        """
        self._thread.join()
        if self._error:
            raise self._error
        return self._packs


class Origin(NamedTuple):
    """What a report says that was looked at. What there is not is empty."""

    url: str
    revision: str  # what HEAD is, in full
    branch: str


def _origin(repository: Repository | None) -> Origin:
    def ask(*arguments: str) -> str:
        return repository.try_run(*arguments).decode(errors="replace").strip() if repository else ""

    return Origin(
        ask("config", "remote.origin.url"),
        ask("rev-parse", "--verify", "-q", "HEAD"),
        ask("symbolic-ref", "-q", "--short", "HEAD"),
    )
