"""The usual answer of the pre-commit hook, nothing, without a command line's imports."""

import os
import sys

from seawall.audit.guard.changes import staged, top
from seawall.audit.guard.look import new
from seawall.audit.secrets.ready import kept
from seawall.errors import SeawallError


def clean() -> bool:
    """Whether surely nothing is to be said. If not, the command itself looks again, and tells."""
    if "PRE_COMMIT_FROM_REF" in os.environ:  # then a range is meant, not what is staged
        return False
    if started_unsafely():
        return False
    own = top() / ".seawall-rules.toml"
    try:
        changes = staged()
        if not changes:
            return True
        scanner = kept([own] if own.exists() else [])
        return scanner is not None and not new(scanner, changes)
    except SeawallError:
        return False


def started_unsafely() -> bool:
    """Whether by `python -m seawall`, which imports from the working folder: as hooks that 0.1.0 wrote do."""
    return sys.orig_argv[1:3] == ["-m", "seawall"]
