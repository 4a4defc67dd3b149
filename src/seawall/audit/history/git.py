"""One git repository: every question is put to the `git` program, which must not fetch, replace or be misdirected."""

import ctypes
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from seawall.audit import harmless
from seawall.errors import RepositoryUnusable

PR_SET_PDEATHSIG = 1
# A hook runs with these set, and git would take the hook's repository for the one it is asked about.
_MISDIRECTING = {
    *("GIT_DIR", "GIT_COMMON_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE"),
    *("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_GRAFT_FILE", "GIT_SHALLOW_FILE", "GIT_PREFIX"),
}


_HASHES = {"sha1": 20, "sha256": 32}  # bytes of a name


class _Folders(NamedTuple):
    path: Path
    git_dir: Path
    common_dir: Path  # where objects and refs are: another one than `git_dir` in a linked work tree
    work_tree: Path | None  # None: bare


class Repository(_Folders):
    """The repository in or above `path`."""

    def command(self, *arguments: str) -> list[str]:
        where = ["-C", str(self.work_tree), f"--work-tree={self.work_tree}"] if self.work_tree else []
        return harmless.git(f"--git-dir={self.git_dir}", *where, *arguments)

    def run(self, *arguments: str, input: bytes | None = None) -> bytes:
        """What git prints. Raises RepositoryUnusable with git's own words when it fails."""
        done = subprocess.run(
            self.command(*arguments), input=input, capture_output=True, env=environment(), check=False
        )
        if done.returncode:
            raise RepositoryUnusable(
                f"git {arguments[0]} failed in {self.path}.", detail=done.stderr.decode(errors="replace")
            )
        return done.stdout

    def listed(self, *arguments: str) -> list[str]:
        """What git prints as lines, which end with a newline only: names may have other characters that end lines."""
        return self.run(*arguments).decode("utf-8", "surrogateescape").split("\n")[:-1]

    def try_run(self, *arguments: str) -> bytes:
        """What git prints, nothing where it fails: for questions whose answer may be `no`."""
        done = subprocess.run(self.command(*arguments), capture_output=True, env=environment(), check=False)
        return done.stdout if done.returncode == 0 else b""

    def lines(self, *arguments: str, input: bytes | None = None) -> Iterator[bytes]:
        """What git prints, line by line while it runs. Raises RepositoryUnusable as `run` does."""
        process = self.start(*arguments)
        assert process.stdin is not None
        assert process.stdout is not None
        with process:
            process.stdin.write(input or b"")
            process.stdin.close()
            yield from process.stdout
        if process.returncode:
            raise RepositoryUnusable(f"git {arguments[0]} failed in {self.path}.", "Look what is wrong: git fsck")

    def blocks(self, *arguments: str) -> Iterator[bytes]:
        """The same, many whole lines at a time."""
        process = self.start(*arguments)
        assert process.stdout is not None
        with process:
            while lines := process.stdout.readlines(1 << 17):
                yield b"".join(lines)
        if process.returncode:
            raise RepositoryUnusable(f"git {arguments[0]} failed in {self.path}.", "Look what is wrong: git fsck")

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """A git that is asked on its stdin and answers on its stdout."""
        return subprocess.Popen(
            self.command(*arguments), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(), bufsize=1 << 20
        )

    @cached_property
    def hash(self) -> int:
        """Bytes of an object's name: 20 for SHA-1, 32 for SHA-256."""
        return _HASHES.get(self.try_run("rev-parse", "--show-object-format").decode().strip(), 20)

    @property
    def reflogs(self) -> bool:
        """Whether there may be any, of a linked work tree perhaps."""
        kept = (*self.common_dir.glob("worktrees/*/logs"), self.common_dir / "logs", self.common_dir / "reftable")
        return any(each.exists() for each in kept)

    @cached_property
    def empty(self) -> bool:
        """Whether no commit can be reached from anywhere."""
        return not self.try_run("rev-list", "--all", "--reflog", "--max-count=1")


def environment() -> dict[str, str]:
    """What git is started with: original objects instead of replaced ones, nothing fetched from anywhere, English."""
    kept = {name: value for name, value in os.environ.items() if name not in _MISDIRECTING}
    return {**kept, **harmless.ENVIRONMENT, "GIT_NO_REPLACE_OBJECTS": "1"}


def end_with_parent() -> None:
    """Called in a child, ends it when its parent ends, however that happens: prctl(2)."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def find(path: Path) -> Repository | None:
    """The repository in or above `path`; None where there is none. Raises RepositoryUnusable."""
    path = folder(path)
    arguments = ["rev-parse", "--absolute-git-dir", "--git-common-dir", "--is-bare-repository", "--show-object-format"]
    answer = _ask(path, arguments)
    if answer is None:
        return None
    git_dir, common_dir, bare, names = answer[:4]
    top = _ask(path, ["rev-parse", "--show-toplevel"]) if bare == "false" and not _inside(path, Path(git_dir)) else None
    found = Repository(path, Path(git_dir), (path / common_dir).resolve(), Path(top[0]) if top else None)
    found.hash = _HASHES.get(names, 20)
    return found


def folder(path: Path) -> Path:
    """The folder itself, or the one that the file is in."""
    path = path.resolve()
    return path if path.is_dir() else path.parent


def _inside(path: Path, git_dir: Path) -> bool:
    return path == git_dir or git_dir in path.parents


def _ask(path: Path, arguments: Sequence[str]) -> list[str] | None:
    try:
        command = harmless.git("-C", str(path), *arguments)
        done = subprocess.run(command, capture_output=True, env=environment(), check=False)
    except FileNotFoundError:
        if not any((each / ".git").exists() or (each / "HEAD").exists() for each in (path, *path.parents)):
            return None  # no repository, so that it is not needed
        raise RepositoryUnusable("git is not installed.", "Install it: sudo apt-get install git") from None
    if done.returncode == 0:
        return os.fsdecode(done.stdout).split("\n")
    words = done.stderr.decode(errors="replace")
    if "dubious ownership" in words:
        remedy = f"If you trust it: git config --global --add safe.directory {path}"
        raise RepositoryUnusable(f"{path} belongs to another user, and git refuses to read it.", remedy)
    if "not a git repository" in words and not (path / ".git").exists():
        return None
    raise RepositoryUnusable(f"git cannot read the repository in {path}.", "Look what is wrong: git fsck", words)
