"""Finds a Django project, and what its files say of the settings it runs with, without importing any of it."""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from seawall.errors import ApplicationNotFound, shell
from seawall.fleet import source
from seawall.fleet.entry import Entry, Tree, counts
from seawall.fleet.source import VARIABLE, Preparation, preparation

# Files that say how the project is run elsewhere, and where in them a variable is set for the application.
DEPLOYMENT = {
    "Dockerfile*": r"^[ \t]*ENV\s(?:[^\n]|\\\n){0,2000}?",
    "uwsgi*.ini": r"^[ \t]*env\s*=\s*",
    "gunicorn.conf.py": r"^[^#\n]*?[\"']",
    "Procfile": r"^web:[^\n]*?",
}
NAMED = rf"\b{VARIABLE}[=\s\"']+([\w.]+)"
LARGEST = 1 << 16  # bytes of such a file: one of a megabyte can be written so that it takes a minute
PRODUCTION = ("production", "prod", "settings_production", "settings_prod", "production_settings", "prod_settings")


@dataclass(frozen=True)
class Project:
    """What a Django project's files say. Processes inside compare it with what has really been loaded."""

    entry: str  # module that is imported; "" where the project has none
    file: str  # of that module, as a person would call it
    path: tuple[str, ...]  # further folders of the import path
    enters: str  # "" or the folder below the project's that commands are run in
    sets: Mapping[str, list[str]]  # variables the entry point sets, with the values they may get
    fixed: bool  # it names the settings whatever the environment says
    manage: Mapping[str, list[str]]  # variables manage.py sets
    forced: tuple[str, ...]  # those of them that it sets whatever the environment says
    differs: str  # what else only one of the two does to the environment, in a sentence
    ignored: str  # what gunicorn.conf.py does to the environment, in a sentence: it is not run
    named: tuple[tuple[str, str], ...]  # file, and the settings module it names
    production: tuple[str, ...]  # settings modules that seem to be made for production
    configured: tuple[str, ...]  # other variables that seawall.toml sets
    chosen: str  # the settings seawall.toml names, or ""
    python: str = ""  # the interpreter, as it is typed where the project's commands are run


def find_manage(project: Path) -> Path | None:
    """`manage.py` in the folder, else the one in a folder below. Raises ApplicationNotFound if several have one."""
    here = project / "manage.py"
    if here.is_file():
        return here
    below = [path for path in sorted(project.glob("*/manage.py")) if counts(path.parent.name)]
    if len(below) > 1:
        raise ApplicationNotFound(
            f"There are several Django projects in {project}: {', '.join(path.parent.name for path in below)}.",
            "Go to the folder of one of them.",
        )
    return below[0] if below else None


def tree(project: Path, manage: Path) -> Tree:
    return Tree(project, manage.parent, tuple(dict.fromkeys(preparation(manage).settings)))


def settings_module(manage: Path, environment: Mapping[str, str]) -> str:
    """The settings module of a project without an entry point. Raises ApplicationNotFound if manage.py does not say."""
    if environment.get(VARIABLE):
        return environment[VARIABLE]
    for name in preparation(manage).settings:
        return name
    # Some compute the name: then the only settings there are, where a project has them.
    if len(found := list(manage.parent.glob("*/settings.py"))) == 1:
        return f"{found[0].parent.name}.settings"
    if source.tree(manage) is None:
        see = f"{shell(sys.executable)} -m py_compile {shell(manage)}"
        raise ApplicationNotFound(f"{manage} cannot be read as Python.", f"See why: {see}")
    raise ApplicationNotFound(
        f"{manage} does not say which settings the project uses.",
        f'Write it to seawall.toml:\n[environment]\n{VARIABLE} = "mysite.settings"',
    )


def describe(tree: Tree, entry: Entry | None, configured: Mapping[str, str]) -> Project:
    """All that the processes inside are told. `configured` are the variables that seawall.toml sets."""
    begun = _all_of_it(tree, entry.file) if entry and entry.file else Preparation()
    manage = _all_of_it(tree, tree.home / "manage.py")
    file = tree.shown(entry.file) if entry and entry.file else entry.module if entry else ""
    known = (*begun.settings, *manage.settings, *(value for name, value in configured.items() if name == VARIABLE))
    return Project(
        entry=entry.module if entry else "",
        file=file,
        path=(str(entry.root),) if entry and entry.root != tree.home else (),
        enters="" if tree.home == tree.project else str(tree.home.relative_to(tree.project)),
        sets=begun.sets,
        fixed=VARIABLE in begun.fixed,
        manage=manage.sets,
        forced=tuple(manage.fixed),
        differs=_differs(file or "Seawall", begun.other, manage.other),
        ignored="; ".join(_ignored(tree)),
        named=tuple(_deployed(tree)),
        production=tuple(_production(tree, known)),
        configured=tuple(name for name in configured if name != VARIABLE),
        chosen=configured.get(VARIABLE, ""),
    )


def typed(python: Path, project: Path, home: Path) -> str:
    """The interpreter as a person types it in the folder `home` of the project."""
    if not python.is_relative_to(project):
        return shell(python)
    below = os.path.relpath(python, home)
    return shell(below if "/" in below else f"./{below}")


def _all_of_it(tree: Tree, file: Path) -> Preparation:
    """With what modules of the project do that it imports for the purpose."""
    found = preparation(file)
    for each in sorted(tree.imported(file)):
        found.add(preparation(each))
    return found


def expected(project: Project, environment: Mapping[str, str]) -> str:
    """Which settings will be loaded as far as the files say, in words."""
    manage, named = project.manage.get(VARIABLE, []), project.sets.get(VARIABLE, [])
    who = project.file or "manage.py"
    if environment.get(VARIABLE) and not project.fixed:
        named, who = [environment[VARIABLE]], "seawall.toml" if project.chosen else "the environment"
    elif not project.entry:
        named = manage
    if not named:
        return f"the settings are those {who} names when it runs"
    other = f"; manage.py names {' or '.join(manage)}" if manage and not set(manage) & set(named) else ""
    return f"settings {' or '.join(named)}, which {who} names{other}"


def _differs(file: str, begun: set[str], manage: set[str]) -> str:
    """Where only one of them reads `.env`, say, the two may use different databases."""
    pairs = (("manage.py", manage - begun, file), (file, begun - manage, "manage.py"))
    return "; ".join(f"{one} {', '.join(sorted(only))}, {other} does not" for one, only, other in pairs if only)


def _ignored(tree: Tree) -> Iterator[str]:
    for file in dict.fromkeys(folder / "gunicorn.conf.py" for folder in (tree.project, tree.home)):
        found = preparation(file)
        raw = {text.partition("=")[0] for text in source.strings(file, "raw_env")}
        ways = sorted(found.other | {f"sets {name}" for name in raw | found.sets.keys() if name != VARIABLE})
        if ways:
            yield f"{tree.shown(file)} {', '.join(ways)}"


def _deployed(tree: Tree) -> Iterator[tuple[str, str]]:
    for folder in dict.fromkeys((tree.project, tree.home)):
        for pattern, before in DEPLOYMENT.items():
            for file in sorted(folder.glob(pattern)):
                text = source.content(file)[:LARGEST].decode(errors="replace")
                for module in re.findall(before + NAMED, text, re.MULTILINE):
                    yield tree.shown(file), module


def _production(tree: Tree, known: tuple[str, ...]) -> Iterator[str]:
    for package in dict.fromkeys(module.rpartition(".")[0] for module in known):
        for name in PRODUCTION:
            module = f"{package}.{name}".lstrip(".")
            if tree.find(module):
                yield module
