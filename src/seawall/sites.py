"""Which runtime folder belongs to which project: by its path, or by `site.json` in it where the project has moved."""

import errno
import json
import os
import pwd
import re
import stat
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from seawall import files, rights
from seawall.errors import NotRunning

ROOTS = Path("/run/seawall")
RECORD = "processes.json"  # while it is there, something runs, or was killed
CLAIM = "site.json"
VERSION = 1  # of site.json; of another one nothing is believed, and the folder's name decides
SOCKET_PATH_LIMIT = 107  # bytes, unix(7)
SHARED = ("nfs", "nfs4", "cifs", "smb3", "9p", "afs", "ceph", "lustre", "gfs2", "ocfs2", "vboxsf", "virtiofs")
LONGEST = f"{'n' * 29}/a.sock.4194304.tmp"  # HAProxy binds its socket under such a name first (sock_unix.c)


@dataclass(frozen=True)
class Claim:
    """Whose folder a runtime folder is."""

    project: str
    device: int
    inode: int
    boot: str  # numbers of devices and of folders in memory are given anew at each

    def is_for(self, project: Path) -> bool:
        """Whether the site is this folder's: by its path, or because it is the same folder, moved meanwhile."""
        if self.project == str(project):
            return True
        return self.boot == _boot() and self._is(project) and not self._is(Path(self.project))

    def _is(self, folder: Path) -> bool:
        try:
            seen = folder.lstat()
        except OSError:
            return False
        return (seen.st_dev, seen.st_ino) == (self.device, self.inode)


def runtime_root(uid: int) -> Path:
    """The folder of the runtime folders: the same at every hour, logged in or not, whatever the environment says.

    `seawall status` from cron has to find the same folder as `seawall up`.
    """
    if uid == 0:
        return ROOTS
    home = _home(uid)
    return home if home and len(os.fsencode(home / LONGEST)) <= SOCKET_PATH_LIMIT else _temporary(uid)


def find(project: Path, uid: int) -> Path:
    """The runtime folder of the site that this user runs, or would run, from the project. Creates nothing."""
    root, name = runtime_root(uid), _name(project)
    own = root / name
    for folder in (own, *_folders(root), *(place / name for place in places(uid) if place != root)):
        if _runs(folder, uid) and _is_for(folder, project, uid):
            return folder
    # The project that had this path before has moved away, and its site still runs.
    return root / _name(project, str(project.stat().st_ino)) if _runs(own, uid) else own


def places(uid: int) -> list[Path]:
    """All folders in which runtime folders of this user may be, those of Seawall 0.1.0 included."""
    if uid == 0:
        return [ROOTS]
    home = _home(uid, must_be_usable=False)
    return [*([home] if home else []), _temporary(uid), Path(f"/run/user/{uid}/seawall")]


def claim(runtime: Path, project: Path) -> bool:
    """Write down that the runtime folder is the project's. Returns whether that was news. Raises OSError."""
    try:
        seen = project.stat()
    except FileNotFoundError:
        return False  # it has moved: what is written is what it will be found by
    claimed = Claim(str(project), seen.st_dev, seen.st_ino, _boot())
    if read(runtime, os.geteuid()) == claimed:
        return False
    # Others may read it, so that they can be told whose the site is.
    files.replace(runtime / CLAIM, json.dumps({"version": VERSION, **asdict(claimed)}).encode(), 0o644)
    return True


def read(runtime: Path, uid: int) -> Claim | None:
    """What is written in a runtime folder of this user; None where that is nothing, or not his."""
    try:
        descriptor = os.open(runtime / CLAIM, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            seen = os.fstat(descriptor)
            if not stat.S_ISREG(seen.st_mode) or seen.st_uid != uid:
                return None
            told = json.loads(file.read(65536))
        if told["version"] != VERSION:
            return None
        return Claim(str(told["project"]), int(told["device"]), int(told["inode"]), str(told["boot"]))
    except (OSError, ValueError, OverflowError, KeyError, TypeError, RecursionError):
        return None


def whose(project: Path) -> str | None:
    """The name of another user who runs a site from this folder, as far as we may see: root, or the folder's owner."""
    project = project.resolve()
    for uid in _others(project):
        for folder in (folder for place in places(uid) for folder in (place / _name(project), *_folders(place))):
            if _runs(folder, uid) and _is_for(folder, project, uid):
                return rights.user_name(uid)
    return None


def run_by_another(project: Path) -> NotRunning | None:
    """What to say instead of "No site runs" where another user runs it."""
    name = whose(project)
    if name is None:
        return None
    become = "sudo" if name == "root" else f"sudo -u {name}"
    return NotRunning(f"The site in {project} is run by {name}.", f"Run the command as {name}: {become} seawall …")


def _others(project: Path) -> list[int]:
    sudo = os.environ.get("SUDO_UID", "")
    found = [0, *([int(sudo)] if sudo.isdecimal() else [])]
    try:
        found.append(project.stat().st_uid)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.EACCES):
            raise
    return [uid for uid in dict.fromkeys(found) if uid != os.geteuid()]


def _home(uid: int, must_be_usable: bool = True) -> Path | None:
    """In the home folder that the password database names, if that is really the user's."""
    try:
        home = Path(pwd.getpwuid(uid).pw_dir).resolve()
        if not home.is_dir() or home.stat().st_uid != uid or (must_be_usable and not os.access(home, os.W_OK)):
            return None
        root = (home / ".local/state/seawall").resolve()
        return root if not must_be_usable or _is_local(root) else None
    except (KeyError, OSError, RuntimeError):  # the last: symbolic links in a circle
        return None


def _is_local(folder: Path) -> bool:
    """Whether it is on a file system of this machine: on a shared one, another machine may serve from the same path."""
    mounts = {fields[4]: fields[fields.index("-") + 1] for fields in map(str.split, _mounts())}
    around = next((str(place) for place in (folder, *folder.parents) if str(place) in mounts), "/")
    kind = mounts.get(around, "")
    return kind not in SHARED and not kind.startswith("fuse")


def _mounts() -> list[str]:
    return Path("/proc/self/mountinfo").read_text(errors="replace").splitlines()


def _temporary(uid: int) -> Path:
    return Path("/tmp").resolve() / f"seawall-{uid}"


def _name(project: Path, salt: str = "") -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", project.name.lower()).strip("-")[:20] or "site"
    return f"{slug}-{zlib.crc32(os.fsencode(project) + salt.encode()):08x}"


def _is_for(runtime: Path, project: Path, uid: int) -> bool:
    claimed = read(runtime, uid)
    # Seawall 0.1.0 wrote nothing down.
    return claimed.is_for(project) if claimed else runtime.name == _name(project)


def _folders(root: Path) -> Iterator[Path]:
    try:
        yield from (Path(entry.path) for entry in os.scandir(root) if entry.is_dir(follow_symlinks=False))
    except PermissionError:
        yield from _with_sockets(root)
    except OSError:
        return  # there is none, so no site runs


def _with_sockets(root: Path) -> set[Path]:
    """Where other users' sites may not be listed: the kernel tells everybody the paths of sockets (proc(5))."""
    try:
        sockets = Path("/proc/net/unix").read_text(errors="replace")
    except OSError:
        return set()
    return {root / name for name in re.findall(rf" {re.escape(str(root))}/([^/\n]+)/", sockets)}


def _runs(runtime: Path, uid: int) -> bool:
    """Whether this user's record is in the folder. In /tmp another user may have made the folder, or the one above."""
    try:
        seen = [folder.lstat() for folder in (runtime.parent, runtime, runtime / RECORD)]
    except OSError:
        return False
    return all(one.st_uid == uid for one in seen) and stat.S_ISDIR(seen[0].st_mode) and stat.S_ISDIR(seen[1].st_mode)


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
