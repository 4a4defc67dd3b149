"""The key that signs sessions and links where the environment names none: made once, kept in a file of its own."""

import os
import tempfile
from pathlib import Path

from django.core.management.utils import get_random_secret_key


def secret_key(path: Path) -> str:
    """The key in `path` (mode 0600), which is created if need be; processes that start together agree on one key."""
    if not path.exists():
        _create(path)
    return path.read_text()


def _create(path: Path) -> None:
    # link() fails if the name exists, and the file appears whole: nobody ever reads half a key.
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(get_random_secret_key())
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(temporary)
