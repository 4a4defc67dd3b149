"""Where control groups can be made: below our own group, in the hierarchy that has the controller (cgroups(7))."""

import errno
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from seawall.errors import SeawallError

PROCESSES = "cgroup.procs"
_AVAILABLE, _ENABLED = "cgroup.controllers", "cgroup.subtree_control"  # of version 2
_ASIDE = "seawall-control"  # the group of the control plane itself
DELEGATE = "systemd-run --scope -p Delegate=yes seawall up    (not root: systemd-run --user --scope …)"


class NoPlace(SeawallError):
    """A controller cannot be used here."""


@dataclass(frozen=True)
class Place:
    """A group below which groups with the controller can be made."""

    folder: Path
    version: Literal[1, 2]


@dataclass(frozen=True)
class _Mount:
    point: Path
    root: str  # the group that is seen at `point`: a container may see only a part
    kind: str  # cgroup: version 1, cgroup2: version 2
    options: frozenset[str]  # the controllers, in version 1


def find(controller: str) -> Place:
    """Raises NoPlace, which says why a group with this controller cannot be made, and what to do."""
    mounts = list(_mounts())
    for mount in mounts:
        if mount.kind == "cgroup" and controller in mount.options:
            return _version_1(controller, mount)
    for mount in mounts:
        if mount.kind == "cgroup2":
            return _version_2(controller, mount)
    raise NoPlace(f"this machine has no control groups for {controller}", "Mount them: mount | grep cgroup")


def _version_1(controller: str, mount: _Mount) -> Place:
    own = _own(mount, controller)
    if not os.access(own, os.W_OK):
        raise NoPlace(
            f"we may not make control groups for {controller} in {own}, which belongs to {_owner(own)}",
            "Start the site as root, which runs the application as the folder's owner. In a container the groups are "
            "often mounted read-only: limit the container instead",
        )
    return Place(own, 1)


def _version_2(controller: str, mount: _Mount) -> Place:
    own = _own(mount, "")
    # With systemd's DelegateSubgroup=, or after _move_out, we are in a group below the one that was delegated.
    above = [] if own == mount.point else [own.parent]
    for folder in [*above, own] if own.name == _ASIDE else [own, *above]:
        if controller in _words(folder / _AVAILABLE) and os.access(folder / _ENABLED, os.W_OK):
            return Place(folder, 2)
    raise NoPlace(f"the controller {controller} is not delegated to us in {own}", DELEGATE)


def named(name: str) -> list[Path]:
    """Our own groups of this name, wherever they are."""
    found = [Path(folder, name) for mount in _mounts() for folder, below, _ in os.walk(mount.point) if name in below]
    return [folder for folder in found if folder.lstat().st_uid == os.geteuid()]


def enable(place: Place, controllers: Sequence[str]) -> None:
    """Let groups below a place of version 2 have these controllers. Raises NoPlace.

    A group other than the root that has processes itself cannot give controllers to those below it: if we are all there
    is in it, we go to a group of our own.
    """
    wanted = " ".join(f"+{controller}" for controller in controllers)
    try:
        write(place.folder / _ENABLED, wanted)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise NoPlace(f"{place.folder / _ENABLED}: {error.strerror}", DELEGATE) from error
        _move_out(place.folder)
        try:
            write(place.folder / _ENABLED, wanted)
        except OSError as second:
            raise NoPlace(
                f"{place.folder} has other processes too, so it cannot limit groups below", DELEGATE
            ) from second


def _move_out(folder: Path) -> None:
    if _words(folder / PROCESSES) != [str(os.getpid())]:
        return
    aside = folder / _ASIDE
    aside.mkdir(exist_ok=True)
    write(aside / PROCESSES, "0")


def write(file: Path, text: str) -> None:
    """To a file of a control group: in one write, and never creating one. Raises OSError."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def _mounts() -> Iterator[_Mount]:
    """See proc(5), /proc/PID/mountinfo."""
    for line in Path("/proc/self/mountinfo").read_text(errors="replace").splitlines():
        before, _, after = line.partition(" - ")
        root, point = before.split()[3:5]
        kind, _, options = after.split()[:3]
        if kind in ("cgroup", "cgroup2"):
            yield _Mount(Path(point), root, kind, frozenset(options.split(",")))


def _own(mount: _Mount, controller: str) -> Path:
    """The folder of the group that we are in; `controller` is "" in version 2."""
    for line in Path("/proc/self/cgroup").read_text(errors="replace").splitlines():
        _, controllers, path = line.split(":", 2)
        # A path with ".." leads out of what a control group namespace shows.
        if controller in controllers.split(",") and Path(path).is_relative_to(mount.root) and ".." not in path:
            own = mount.point / Path(path).relative_to(mount.root)
            if own.is_dir():
                return own
    return mount.point


def _words(file: Path) -> list[str]:
    try:
        return file.read_text().split()
    except OSError:
        return []


def _owner(folder: Path) -> str:
    return "root" if folder.stat().st_uid == 0 else f"user {folder.stat().st_uid}"
