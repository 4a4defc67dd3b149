"""Opens, replaces and bounds the files we keep, so that nobody else can choose which files these are.

A folder of a project may come from a stranger's repository, or belong to another user: a file or folder on the way that
is a symbolic link, or is not ours, is refused. Raises OSError; its text says what is wrong, in words for a person.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PRIVATE = 0o600
_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LISTED = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A named pipe put in a file's place must not hold us up.
_FILE = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_LINE = 65536  # bytes in which the end of a line is looked for


def make_folder(path: Path, mode: int, most: int | None = None) -> bool:
    """Make sure that the folder is there, a real one, and ours. Returns whether it had to be made.

    Afterwards its mode has all bits of `mode` and none beyond `most`, which is `mode` if not given.
    """
    with _entered(path.parent) as above, _naming(path):
        made = False
        with contextlib.suppress(FileExistsError):
            os.mkdir(path.name, mode, dir_fd=above)
            made = True
        if _is_link(path.name, above):
            raise refusal(path, "it is a symbolic link")
        folder = os.open(path.name, _LISTED, dir_fd=above)
        try:
            seen = os.fstat(folder)
            _require_ours(path, seen)
            wanted = (stat.S_IMODE(seen.st_mode) | mode) & (mode if most is None else most)
            if wanted != stat.S_IMODE(seen.st_mode):
                os.fchmod(folder, wanted)
        finally:
            os.close(folder)
    return made


def open_to_append(path: Path, access: int = os.O_WRONLY) -> int:
    """A descriptor that appends to the file, which is made if it is missing, and for us alone to read."""
    return _open(path, access | os.O_APPEND | os.O_CREAT)


def open_to_read(path: Path) -> int:
    """A descriptor of a file of ours."""
    return _open(path, os.O_RDONLY)


def lines(path: Path, most: int, longest: int) -> Iterator[str]:
    """The lines in the last `most` bytes of a file of ours, whatever is in them. Longer ones come in pieces."""
    with os.fdopen(open_to_read(path), "rb") as file:
        end = os.fstat(file.fileno()).st_size
        if end > most:
            file.seek(end - most)
            file.readline(longest)
        while file.tell() < end and (line := file.readline(longest)):
            yield line.decode(errors="replace")


def replace(path: Path, content: bytes, mode: int = PRIVATE, durable: bool = False, group: int | None = None) -> None:
    """Write the file anew, all or nothing: a reader sees the old one or the new; `durable`: after a power cut too."""
    draft = f".{path.name}.{os.getpid()}.new"
    with _entered(path.parent) as folder, _naming(path):
        _require_ours(path.parent, os.fstat(folder))
        with contextlib.suppress(FileNotFoundError):
            os.unlink(draft, dir_fd=folder)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FILE, PRIVATE, dir_fd=folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                if group is not None and group != os.fstat(file.fileno()).st_gid:
                    os.fchown(file.fileno(), -1, group)
                os.fchmod(file.fileno(), mode)
                file.write(content)
                file.flush()
                if durable:
                    os.fsync(file.fileno())
            os.rename(draft, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        except OSError:
            os.unlink(draft, dir_fd=folder)
            raise


def remove(path: Path) -> None:
    """Take away what is there, if anything, whoever made it. No link is followed, and no folder gone into.

    Raises OSError for a folder with something in it: nothing of ours is one.
    """
    with contextlib.suppress(FileNotFoundError):
        try:
            path.unlink()
        except IsADirectoryError:
            path.rmdir()


@contextmanager
def socket_address(path: Path) -> Iterator[str]:
    """Another name for the socket that is at `path` now: to connect to, to give away or to change the mode of.

    Where others may write to the folder they could put a link in its place, or a second name of another socket.
    """
    descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        seen = os.fstat(descriptor)
        if not stat.S_ISSOCK(seen.st_mode):
            raise refusal(path, "it is no socket")
        if seen.st_nlink > 1:
            raise refusal(path, "it has a second name")
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def close_to_others(folder: Path) -> None:
    """Take everybody else's rights from the files in a folder: earlier versions left some open to all."""
    with _entered(folder) as above, _naming(folder):
        listed = os.open(".", _LISTED, dir_fd=above)
        try:
            for name in os.listdir(listed):
                _close_to_others(name, listed)
        finally:
            os.close(listed)


def bound(path: Path, limit: int) -> str:
    """Keep a log that others append to below `limit` bytes: its last ones go to `.1`, and it begins anew in place.

    What is printed in the moment between the two is lost. Returns what went wrong, or "": it is tried again next time,
    and a full disk is no reason to lose the log.
    """
    try:
        seen = path.lstat()
        # Whoever appends may also make it longer than what is in it, or take blocks that its length does not show.
        if seen.st_size > limit or seen.st_blocks * 512 > 2 * limit:
            _put_aside(path, limit)
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"{path} cannot be kept small: {error.strerror}"
    return ""


def refusal(path: Path, why: str) -> PermissionError:
    """What is raised for a file or folder that somebody else may have put there."""
    return PermissionError(errno.EPERM, why, path)


def _put_aside(path: Path, limit: int) -> None:
    kept = path.with_name(path.name + ".1")
    source = _open(path, os.O_RDWR)
    try:
        seen = os.fstat(source)
        if seen.st_blocks * 512 > seen.st_size + limit:
            os.ftruncate(source, seen.st_size)  # gives back blocks behind its end: the copy may need them
        _remove(kept)  # its room is what the copy needs
        target = open_to_append(kept)
        try:
            _copy_end(source, target, limit)
        except OSError:
            _remove(kept)
            # One that is even larger has taken the room itself, and never gets any for a copy.
            if os.fstat(source).st_blocks * 512 <= 2 * limit:
                raise
        finally:
            os.close(target)
        os.ftruncate(source, 0)
    finally:
        os.close(source)


def _remove(path: Path) -> None:
    with _entered(path.parent) as folder, contextlib.suppress(FileNotFoundError):
        os.unlink(path.name, dir_fd=folder)


def _copy_end(source: int, target: int, limit: int) -> None:
    """The last `limit` bytes, whole lines. Half of one may be seen while it is written."""
    end = os.fstat(source).st_size
    at = max(0, end - limit)
    if at:
        at += os.pread(source, _LINE, at).find(b"\n") + 1
    near = max(at, end - _LINE)
    last = os.pread(source, end - near, near)
    end = near + (last.rfind(b"\n") + 1 or len(last))
    while at < end and (part := os.pread(source, min(1 << 20, end - at), at)):
        at += os.write(target, part)


@contextmanager
def _entered(path: Path) -> Iterator[int]:
    """The folder, reached without following a symbolic link anywhere on the way."""
    folder = os.open("/", _FOLDER)
    try:
        for part in path.parts[1:]:
            with _naming(path):
                inner = os.open(part, _FOLDER, dir_fd=folder)
            os.close(folder)
            folder = inner
        yield folder
    finally:
        os.close(folder)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Errors name the whole path."""
    try:
        yield
    except OSError as error:
        if error.filename == path:
            raise
        why = error.strerror
        if isinstance(error, NotADirectoryError):
            why = "a symbolic link, or what is no folder, is on the way"
        raise type(error)(error.errno, why, path) from error


def _open(path: Path, flags: int) -> int:
    with _entered(path.parent) as folder, _naming(path):
        _require_ours(path.parent, os.fstat(folder))
        if _is_link(path.name, folder):
            raise refusal(path, "it is a symbolic link")
        descriptor = os.open(path.name, flags | _FILE, PRIVATE, dir_fd=folder)
        try:
            seen = os.fstat(descriptor)
            if not stat.S_ISREG(seen.st_mode):
                raise refusal(path, "it is no regular file")
            _require_ours(path, seen)
            if stat.S_IMODE(seen.st_mode) & 0o077:
                os.fchmod(descriptor, PRIVATE)
            os.set_blocking(descriptor, True)
        except OSError:
            os.close(descriptor)
            raise
    return descriptor


def _is_link(name: str, folder: int) -> bool:
    """For the words alone: that none is followed is O_NOFOLLOW's work."""
    try:
        return stat.S_ISLNK(os.lstat(name, dir_fd=folder).st_mode)
    except FileNotFoundError:
        return False


def _require_ours(path: Path, seen: os.stat_result) -> None:
    if seen.st_uid != os.geteuid():
        raise refusal(path, "it belongs to another user")


def _close_to_others(name: str, folder: int) -> None:
    seen = os.lstat(name, dir_fd=folder)
    if not stat.S_ISREG(seen.st_mode) or seen.st_uid != os.geteuid() or not stat.S_IMODE(seen.st_mode) & 0o077:
        return
    with contextlib.suppress(FileNotFoundError):
        descriptor = os.open(name, os.O_RDONLY | _FILE, dir_fd=folder)
        try:
            seen = os.fstat(descriptor)
            if stat.S_ISREG(seen.st_mode) and seen.st_uid == os.geteuid():
                os.fchmod(descriptor, PRIVATE)
        finally:
            os.close(descriptor)
