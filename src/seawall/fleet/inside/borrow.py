"""Lends the application's interpreter the servers Seawall came with, without opening the rest of Seawall's packages."""

import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

# Worker classes are only half public, so the version must be ours; the others only when the application has none.
OURS_FIRST = frozenset({"gunicorn"})


class Lender:
    """A meta path finder for a fixed set of top-level packages."""

    def __init__(self, packages: Mapping[str, str]) -> None:
        self.packages = packages

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        folder = self.packages.get(name)
        return PathFinder.find_spec(name, [folder], target) if folder else None


def lend(packages: Mapping[str, str]) -> None:
    sys.meta_path.insert(0, Lender({name: folder for name, folder in packages.items() if name in OURS_FIRST}))
    sys.meta_path.append(Lender({name: folder for name, folder in packages.items() if name not in OURS_FIRST}))
