"""Where we are root: who else can change what a path leads to, and reading with no more rights than they have."""

import errno
import os
import pwd
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

NOBODY = 65534  # overflowuid(5): whoever has no number here; also who may be anybody
LARGEST = 16 * 1024 * 1024  # bytes of a file that is read
_LINKS = 40  # as many symbolic links as the kernel follows, path_resolution(7)
_ROOTS_GROUPS = (0, 50)  # root, and staff, to whom Debian gives /usr/local (Debian policy 9.1.2)
_OURS = threading.Lock()  # setuid(2) changes what all threads may do
_SYSTEM_PATH = ("/usr/local/sbin", "/usr/sbin", "/sbin")  # Debian keeps them out of ordinary users' PATH

Result = TypeVar("Result")


def controller(path: Path) -> int:
    """The number of a user other than root who can choose what is found at `path`; 0 if only root can.

    Where a folder on the way is open to several, it is whoever owns what lies behind it, or NOBODY. Raises OSError if
    there is nothing.
    """
    at, links, shared = "/", 0, False
    # In a user namespace that has one user, what is really root's seems to be NOBODY's.
    roots = (0, os.lstat("/").st_uid)
    todo = _parts(os.path.abspath(path))
    while True:
        seen = os.lstat(at)
        if seen.st_uid not in roots:
            return seen.st_uid
        shared = shared or _is_shared(seen)
        if not todo:
            return NOBODY if shared else 0
        part = todo.pop()
        found = os.path.join(at, part)
        seen = os.lstat(found)
        if part == "..":
            at = os.path.dirname(at)
        elif not stat.S_ISLNK(seen.st_mode):
            at = found
        elif seen.st_uid not in roots:
            return seen.st_uid
        else:
            links += 1
            if links > _LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
            target = os.readlink(found)
            at = "/" if os.path.isabs(target) else at
            todo += _parts(target)


def read(path: Path, author: int = 0, largest: int = LARGEST) -> bytes:
    """What is in the file `path`, whose name comes from the user `author`.

    Root reads with no more rights than the author has, and than whoever can change what the path leads to. Raises
    OSError, also where it is no regular file or has more than `largest` bytes.
    """
    if os.geteuid() != 0:
        return _read(path, largest)
    uid = author or controller(path)
    if uid == 0:
        return _read(path, largest)
    with rights_of(uid):
        return _read(path, largest)


@contextmanager
def rights_of(uid: int) -> Iterator[None]:
    """Where we are root: for a moment have the rights of this user instead, in all threads: see as_ourselves()."""
    with _OURS:
        before = (os.getgroups(), os.getegid())
        gid, more = _groups_of(uid)
        os.setgroups(more)
        os.setegid(gid)
        os.seteuid(uid)
        try:
            yield
        finally:
            os.seteuid(0)
            os.setegid(before[1])
            os.setgroups(before[0])


def as_ourselves(work: Callable[[], Result]) -> Result:
    """Do in another thread what needs our own rights, and nothing of it while we have somebody else's."""
    with _OURS:
        return work()


def groups(uid: int, gid: int) -> list[int]:
    """All groups of a user whose first one is `gid`."""
    try:
        return os.getgrouplist(pwd.getpwuid(uid).pw_name, gid)
    except KeyError:
        return [gid]


def who(uid: int) -> str:
    """Who can change something, in words, for what `controller` says."""
    return "other users" if uid == NOBODY else user_name(uid)


def user_name(uid: int) -> str:
    """What a person calls the user."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"the user number {uid}"


def search_path() -> str:
    """Where programs are looked for: PATH and the administrator's folders. Root uses only what only root can change."""
    places = [*os.environ.get("PATH", os.defpath).split(os.pathsep), *_SYSTEM_PATH]
    if os.geteuid() == 0:
        places = [place for place in places if is_roots(place)]
    return os.pathsep.join(places)


def is_roots(place: str) -> bool:
    """Whether only root can choose what is found at the absolute path, or what will be once it is made."""
    if not os.path.isabs(place):
        return False
    while not os.path.lexists(place):
        place = os.path.dirname(place)
    try:
        return controller(Path(place)) == 0
    except OSError:
        return False


def _parts(path: str) -> list[str]:
    """Last one first."""
    return [part for part in reversed(path.split("/")) if part not in ("", ".")]


def _is_shared(seen: os.stat_result) -> bool:
    """Whether others than root can change root's file, or the names in root's folder."""
    if stat.S_ISDIR(seen.st_mode) and seen.st_mode & stat.S_ISVTX:
        return False  # root's entries are safe there, and others' are found out by their owner
    by_group = seen.st_mode & 0o020 and seen.st_gid not in _ROOTS_GROUPS
    return bool(by_group or seen.st_mode & 0o002)


def _groups_of(uid: int) -> tuple[int, list[int]]:
    try:
        gid = pwd.getpwuid(uid).pw_gid
    except KeyError:
        return NOBODY, []
    return gid, groups(uid, gid)


def _read(path: Path, largest: int) -> bytes:
    """Only a regular file: a named pipe would hold us up, and /dev/zero never ends."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    with os.fdopen(descriptor, "rb") as file:
        seen = os.fstat(descriptor)
        if not stat.S_ISREG(seen.st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", path)
        # A file may be longer than it says it is: those in /proc say 0.
        content = file.read(largest + 1) if seen.st_size <= largest else b""
        if max(len(content), seen.st_size) > largest:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), path)
        return content
