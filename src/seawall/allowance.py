"""How much of the machine we may use: all of it, or the least that a control group above us allows (cgroups(7))."""

import os
from collections.abc import Iterator
from pathlib import Path

GROUPS = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")


def memory_limit() -> int:
    """Bytes."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    files = (group / name for group in _groups("memory") for name in ("memory.max", "memory.limit_in_bytes"))
    return min([machine, *(number for file in files for number in _numbers(file)[:1] if number)])


def processors() -> float:
    """Half of one, where we may compute for half of the time."""
    return min([float(len(os.sched_getaffinity(0))), *_quotas()])


def _quotas() -> Iterator[float]:
    """As a share of each period: in one file in version 2, in two in version 1; without a limit there is no number."""
    for group in _groups("cpu"):
        both = _numbers(group / "cpu.max") or _numbers(group / "cpu.cfs_quota_us") + _numbers(
            group / "cpu.cfs_period_us"
        )
        if len(both) == 2 and all(both):
            yield both[0] / both[1]


def _groups(controller: str) -> Iterator[Path]:
    """Our control groups with this controller and those above them, version 2 or 1; a container sees its own as /."""
    for line in OWN.read_text(errors="replace").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers or controller in controllers.split(","):
            root = GROUPS / controller if controllers else GROUPS
            group = root / path.lstrip("/")
            yield from (folder for folder in (group, *group.parents) if folder.is_relative_to(root))


def _numbers(file: Path) -> list[int]:
    """No number for "max", for -1, and where there is no such file."""
    try:
        words = file.read_text().split()
    except OSError:
        return []
    return [int(word) for word in words if word.isdigit()]
