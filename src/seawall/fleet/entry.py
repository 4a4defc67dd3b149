"""Chooses the entry point of a Django project, the module its author has a server import, without running any of it."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from seawall.fleet import source

NOT_PROJECTS = {"node_modules", "venv", "env", "site-packages", "test", "tests"}
DEPTH = 4  # folders below the project in which settings are looked for
VARIABLES = {"WSGI_APPLICATION": False, "ASGI_APPLICATION": True}  # setting → is it ASGI


@dataclass(frozen=True)
class Entry:
    """The callable to serve. Imported as its author's server would import it."""

    module: str
    name: str  # of the callable
    asgi: bool
    why: str
    root: Path  # where the import path begins
    file: Path | None  # None: it is installed, not in the project


@dataclass(frozen=True)
class Tree:
    """The folders of one Django project."""

    project: Path  # where seawall.toml is
    home: Path  # where manage.py is
    settings: tuple[str, ...]  # modules that manage.py names

    @property
    def roots(self) -> list[Path]:
        """Where an import may begin, likeliest first."""
        places = (self.home, self.home / "src", self.project, self.project / "src")
        return [place for place in dict.fromkeys(places) if place.is_dir()]

    @property
    def packages(self) -> set[str]:
        """Top-level packages of the settings that manage.py names."""
        return {module.partition(".")[0] for module in self.settings}

    def find(self, module: str) -> tuple[Path, Path] | None:
        """(root, file) of the module, if it is in the project."""
        return next(((root, file) for root in self.roots if (file := module_file(root, module))), None)

    def imported(self, file: Path) -> set[Path]:
        """Files of the project that the file imports itself."""
        found = set()
        for level, module in source.imports(file):
            roots = [file.parents[level - 1]] if 0 < level <= len(file.parents) else self.roots
            found |= {each for root in roots if (each := module_file(root, module))}
        return found

    def shown(self, file: Path) -> str:
        return str(file.relative_to(self.project))


def module_file(root: Path, module: str) -> Path | None:
    if not all(part.isidentifier() for part in module.split(".")):
        return None
    place = root.joinpath(*module.split("."))
    places = (place.with_name(f"{place.name}.py"), place / "__init__.py")
    return next((file for file in places if file.is_file()), None)


def choose(tree: Tree) -> Entry | None:
    """The entry point that a person who deploys the project would name, or None if it has none."""
    return next((entry for candidates in RULES for entry in candidates(tree)), None)


def _gunicorn(tree: Tree) -> Iterator[Entry]:
    for file in dict.fromkeys((tree.home / "gunicorn.conf.py", tree.project / "gunicorn.conf.py")):
        for _, target in source.constants(file, "wsgi_app"):
            module, _, name = target.partition(":")
            found, name = tree.find(module), name or "application"
            asgi = module.endswith("asgi") or bool(found and source.is_asgi(found[1]))
            if found is None or source.defines(found[1], name.partition("(")[0]):
                why = f"wsgi_app in {tree.shown(file)} names it"
                yield Entry(module, name, asgi, why, *(found or (tree.home, None)))


def _named(tree: Tree, variable: str, own: bool) -> Iterator[Entry]:
    for file in _settings_files(tree, own):
        for _, target in source.constants(file, variable):
            module, _, name = target.rpartition(".")
            found = tree.find(module)
            if found and source.defines(found[1], name):
                yield Entry(module, name, VARIABLES[variable], f"{variable} in {tree.shown(file)} names it", *found)


def _beside_settings(tree: Tree, kind: str) -> Iterator[Entry]:
    for settings in tree.settings:
        parts = settings.split(".")[:-1]
        for length in range(len(parts), 0, -1):
            yield from _usual(
                tree, ".".join([*parts[:length], kind]), f"it is beside {settings}, which manage.py names"
            )


def _beside_manage(tree: Tree, kind: str) -> Iterator[Entry]:
    yield from _usual(tree, kind, "it is beside manage.py")


def _only(tree: Tree, kind: str) -> Iterator[Entry]:
    for root in tree.roots:
        files = [*root.glob(f"*/{kind}.py"), *root.glob(f"*/{kind}/__init__.py")]
        packages = sorted({file.relative_to(root).parts[0] for file in files})
        packages = [package for package in packages if counts(package)]
        if len(packages) == 1:
            yield from _usual(tree, f"{packages[0]}.{kind}", f"it is the only {kind}.py")


def _usual(tree: Tree, module: str, why: str) -> Iterator[Entry]:
    if found := tree.find(module):
        for name in (name for name in ("application", "app") if source.defines(found[1], name)):
            yield Entry(module, name, module.endswith("asgi"), why, *found)


# WSGI goes before ASGI of the same rank: synchronous views cost twice as much on ASGI.
RULES: tuple[Callable[[Tree], Iterator[Entry]], ...] = (
    _gunicorn,
    lambda tree: _named(tree, "WSGI_APPLICATION", own=True),
    lambda tree: _beside_settings(tree, "wsgi"),
    lambda tree: _beside_manage(tree, "wsgi"),
    lambda tree: _named(tree, "ASGI_APPLICATION", own=True),
    lambda tree: _beside_settings(tree, "asgi"),
    lambda tree: _beside_manage(tree, "asgi"),
    lambda tree: _named(tree, "WSGI_APPLICATION", own=False),
    lambda tree: _named(tree, "ASGI_APPLICATION", own=False),
    lambda tree: _only(tree, "wsgi"),
    lambda tree: _only(tree, "asgi"),
)


def _settings_files(tree: Tree, own: bool) -> Iterator[Path]:
    """Files that may hold settings: those that manage.py names and others of their packages, or all there are."""
    if own:
        named = [found[1] for module in tree.settings if (found := tree.find(module))]
        beside = (file for each in named for file in sorted(each.parent.glob("*.py")))
        packages = (root / package for root in tree.roots for package in sorted(tree.packages))
        yield from dict.fromkeys((*named, *beside, *(file for package in packages for file in _walk(package))))
    else:
        yield from (file for root in tree.roots for file in _walk(root))


def _walk(top: Path) -> list[Path]:
    """Python files with settings in their name or their folder's."""
    found = []
    for folder, below, names in os.walk(top):
        parts = Path(folder).relative_to(top).parts
        below[:] = [name for name in below if counts(name)] if len(parts) < DEPTH - 1 else []
        found += [Path(folder, name) for name in names if "settings" in "/".join((top.name, *parts, name))]
    return sorted(file for file in found if file.suffix == ".py")


def counts(folder: str) -> bool:
    """Whether a folder of this name may hold the project's own code."""
    return not folder.startswith(".") and folder not in NOT_PROJECTS
