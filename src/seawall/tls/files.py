"""Writing a file so that no other user ever reads it and nobody ever sees half of it."""

import os
import tempfile
from pathlib import Path

from seawall.errors import StateUnusable


def write(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Replace `path` as a whole. Raises StateUnusable."""
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise _unusable(path.parent, error) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), mode)
        os.replace(name, path)
    except OSError as error:
        os.unlink(name)
        raise _unusable(path.parent, error) from error


def _unusable(folder: Path, error: OSError) -> StateUnusable:
    return StateUnusable(
        f"The folder {folder} cannot be written to: {error.strerror}.",
        f"Make room or correct its permissions, then try again: df -h {folder}; ls -ld {folder}",
    )
