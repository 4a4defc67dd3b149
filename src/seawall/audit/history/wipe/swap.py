"""Puts the new repository in the place of the old one, in one step of the file system; and takes it back."""

import contextlib
import ctypes
import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from seawall.audit.history.git import Repository
from seawall.audit.history.wipe.refuse import Refused
from seawall.audit.history.wipe.staging import UNFINISHED, Step, changes

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # renameat2(2)


def beside(repository: Repository) -> Path:
    """Where the new repository is made: on the same file system, so that it can be exchanged with the old one."""
    return repository.common_dir.with_name(f"{repository.common_dir.name}.wiped")


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """No other process may wipe here meanwhile. Raises Refused."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise Refused("Another `seawall secrets wipe` is at work here.", "Wait until it ends.") from None
    finally:
        os.close(descriptor)


def exchange(one: Path, other: Path) -> None:
    """Each folder gets the other's name, at once where the system can."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "renameat2"):
        done = libc.renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
        if done == 0:
            return
    aside = one.with_name(f"{one.name}.aside")
    one.rename(aside)
    try:
        other.rename(one)
    except BaseException:
        aside.rename(one)
        raise
    aside.rename(other)


def put(old: Repository, new: Repository, step: Step) -> None:
    """Exchange the two, then write the files of the work tree that changed. Whatever goes wrong: all as it was."""
    written, gone = changes(old, new), changes(old, new, removed=True)
    try:
        step("exchanging")
        exchange(old.common_dir, new.common_dir)
        step("writing the work tree")
        check_out(old, [path for *_, path in written], [path for *_, path in gone])
        step("work tree written")
    except BaseException:
        take_back(old, new)
        raise


def take_back(old: Repository, new: Repository) -> None:
    """The original where it was, and the work tree as it says, if they were exchanged."""
    if not (old.common_dir / UNFINISHED).exists():
        return
    before = old._replace(git_dir=new.common_dir, common_dir=new.common_dir, work_tree=None)
    after = old._replace(work_tree=None)
    written, gone = changes(after, before), changes(after, before, removed=True)
    exchange(old.common_dir, new.common_dir)
    check_out(old, [path for *_, path in written], [path for *_, path in gone])


def check_out(repository: Repository, written: Iterable[str], gone: Iterable[str]) -> None:
    """Write files of the index to the work tree, but those that it leaves out; remove others."""
    top = repository.work_tree
    if top is None:
        return
    left_out = {line[2:] for line in repository.run("ls-files", "-z", "-t").split(b"\0") if line.startswith(b"S ")}
    for path in gone:
        (top / path).unlink(missing_ok=True)
        for parent in Path(path).parents:
            if parent.parts and not any((top / parent).iterdir()):
                (top / parent).rmdir()
    names = [name for name in map(os.fsencode, written) if name not in left_out]
    if names:
        repository.run(
            "checkout-index", "--force", "--index", "-z", "--stdin", input=b"".join(n + b"\0" for n in names)
        )
    repository.run("update-index", "-q", "--refresh")


def recover(repository: Repository) -> bool:
    """Undo what a wipe that was killed left behind. Whether there was anything."""
    folder = beside(repository)
    if not folder.exists():
        (repository.common_dir / UNFINISHED).unlink(missing_ok=True)
        return False
    take_back(repository, Repository(folder, folder, folder, None))
    discard(repository, folder)
    return True


def discard(repository: Repository, folder: Path) -> None:
    """Remove the new repository, but never the original: that is in `folder` while they are exchanged."""
    if not (repository.common_dir / UNFINISHED).exists():
        shutil.rmtree(folder, ignore_errors=True)


def keep(folder: Path, backup: Path) -> None:
    """The original becomes the backup, readable by its owner alone."""
    folder.chmod(0o700)
    shutil.move(folder, backup)
