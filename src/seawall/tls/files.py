"""Writing a certificate or key so that no other user ever reads it and nobody ever sees half of it."""

from pathlib import Path

from seawall import files
from seawall.errors import StateUnusable, shell


def write(path: Path, content: bytes, mode: int = files.PRIVATE) -> None:
    """Replace `path` as a whole. Raises StateUnusable."""
    try:
        files.replace(path, content, mode, durable=True)
    except OSError as error:
        folder = path.parent
        raise StateUnusable(
            f"The folder {folder} cannot be written to: {error.strerror}.",
            f"Make room or correct its permissions, then try again: df -h {shell(folder)}; ls -ld {shell(folder)}",
        ) from error
