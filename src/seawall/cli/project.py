"""Which folder a command is about."""

import os
from pathlib import Path

from seawall.paths import locate


def find_project(given: Path | None) -> Path:
    """`given`, or the nearest folder from here upwards that is or was a site, or else this folder."""
    if given:
        return given.resolve()
    here = Path.cwd()
    trusted = {0, os.geteuid(), here.stat().st_uid}
    return next((folder for folder in (here, *here.parents) if _is_site(folder, trusted)), here)


def _is_site(folder: Path, trusted: set[int]) -> bool:
    """Only by what one of the `trusted` put there: a seawall.toml in /tmp may be anybody's, and says what to run."""
    for mark in (folder / "seawall.toml", folder / ".seawall"):
        try:
            seen = mark.lstat()
        except OSError:
            continue
        if seen.st_uid in trusted and (mark.name == "seawall.toml" or mark.is_dir()):
            return True
    kept = locate(folder).kept
    return kept is not None and kept.is_dir()
