"""What a scan begins with and what runs without us: git lists the commits, packs are opened.

It imports little, so that the command line can begin before it imports all the rest, which takes as long.
"""

from pathlib import Path
from threading import Thread
from types import TracebackType

from seawall.audit.history import git
from seawall.audit.history.commits import Log
from seawall.audit.history.packed import Pack, packs, readable


class Beginning:
    """Of the repository in or above `path`. What was begun and is not wanted any more ends with the block."""

    def __init__(self, path: Path) -> None:
        """Raises RepositoryUnusable."""
        self.repository = git.find(path)
        self.log: Log | None = None  # of a file, or of a folder in no repository, there is none
        self._packs: list[Pack] = []
        self._error: OSError | MemoryError | None = None  # of the thread
        self._thread = Thread(target=self._open)
        if self.repository and path.is_dir():
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
        except (OSError, MemoryError) as error:
            self._error = error

    def packs(self) -> list[Pack]:
        """Those of the repository that can be read. No thread is left then, so that processes may be forked.

        Raises OSError and MemoryError, as in the thread.
        """
        self._thread.join()
        if self._error:
            raise self._error
        return self._packs
