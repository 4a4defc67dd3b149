"""Which folder a command is about."""

from pathlib import Path


def find_project(given: Path | None) -> Path:
    """`given`, or the nearest folder from here upwards that is or was a site, or else this folder."""
    if given:
        return given.resolve()
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "seawall.toml").exists() or (folder / ".seawall").is_dir():
            return folder
    return here
