"""Who wrote a setting: root does for a setting only what whoever wrote it could have done."""

import os
import stat
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from seawall import rights

FILE = "seawall.toml"
# Bytes. Its parser takes quadratic time for what nobody means, and a variable of the environment has at most 128 KB.
LARGEST = 64 * 1024


def author(project: Path, key: tuple[str, ...], fits: Callable[[Any], bool]) -> int:
    """The number of the user who gave `key` in the project's seawall.toml a value that fits what was read there.

    0 where only root can have done that. Where the file says nothing it is the project's owner.
    """
    path = project / FILE
    try:
        if rights.controller(path) == 0:
            return 0
        uid, table = _read(path)
    except FileNotFoundError:
        return project.stat().st_uid
    except OSError:
        return rights.NOBODY  # a link
    value: Any = table
    for part in key:
        value = value.get(part) if isinstance(value, dict) else None
    return uid if uid or fits(value) else rights.NOBODY


def _read(path: Path) -> tuple[int, dict[str, Any]]:
    """The author and what he wrote, both from one open file: its name may be given to another one meanwhile."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        seen = os.fstat(descriptor)
        if not stat.S_ISREG(seen.st_mode) or seen.st_nlink != 1 or seen.st_size > LARGEST:
            return rights.NOBODY, {}
        try:
            table = tomllib.loads(file.read(LARGEST).decode("utf-8-sig"))
        except (ValueError, RecursionError):
            return rights.NOBODY, {}
    shared = seen.st_mode & 0o022
    return rights.NOBODY if shared and seen.st_uid == 0 else seen.st_uid, table
