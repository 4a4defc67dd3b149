"""How much memory we may use: the machine's, or the least that a control group above us allows."""

import os
from collections.abc import Iterator
from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")


def memory_limit() -> int:
    """Bytes."""
    return min([_machine(), *_limits()])


def _machine() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _limits() -> Iterator[int]:
    """Limits of our control groups and those above them, version 2 or 1 (cgroups(7)); a container sees its own as /."""
    for line in Path("/proc/self/cgroup").read_text(errors="replace").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers in ("", "memory"):
            root, name = (_GROUPS / "memory", "memory.limit_in_bytes") if controllers else (_GROUPS, "memory.max")
            group = root / path.lstrip("/")
            for folder in (group, *group.parents):
                if folder.is_relative_to(root) and (found := _limit(folder / name)):
                    yield found


def _limit(file: Path) -> int:
    """0 where there is none."""
    try:
        text = file.read_text().strip()
    except OSError:
        return 0
    return int(text) if text.isdigit() else 0
