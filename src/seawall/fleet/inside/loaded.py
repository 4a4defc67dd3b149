"""Which settings a Django project was loaded with, which others its files name, and how to give manage.py the same."""

import json
import os
import shlex
import sys
from collections.abc import Iterator

from .fact import Fact, know
from .load import VARIABLE
from .setup import Setup


def command(setup: Setup, words: str) -> str:
    """What a person types to run manage.py's command with the settings and the environment that are loaded here."""
    project, unlike = setup.project, _unlike(setup)
    enter = f"cd {shlex.quote(project['enters'])} && " if project.get("enters") else ""
    variables = "".join(f"{name}={shlex.quote(value)} " for name, value in unlike.items())
    python = project.get("python") or shlex.quote(sys.executable)
    if not _spoils(setup):
        return f"{enter}{variables}{python} manage.py {words}"
    path = f"PYTHONPATH={shlex.quote(os.pathsep.join(project['path']))} " if project["path"] else ""
    return f"{enter}{path}{variables}{python} {_without_manage(project['entry'], words)}"


def also_set(setup: Setup) -> str:
    """A sentence about what a command needs besides; no values, which may be secret."""
    names = setup.project.get("configured", ())
    return f" The command needs {', '.join(names)} as in seawall.toml." if names else ""


def _spoils(setup: Setup) -> bool:
    """Whether manage.py makes an environment of its own, whatever is set before it."""
    project = setup.project
    if not project or project["differs"]:
        return bool(project)
    sets = project["manage"].items()
    unlike = [name for name, values in sets if os.environ.get(name) not in values]
    return any(name in project["forced"] or name not in os.environ for name in unlike)


def _without_manage(entry: str, words: str) -> str:
    """Django's own command line, after what the entry point does."""
    if not entry:
        return f"-m django {words}"
    run = "from django.core.management import execute_from_command_line as run"
    arguments = json.dumps(["manage.py", *words.split()])
    return "-c " + shlex.quote(f"import {entry}; {run}; run({arguments})")


def _unlike(setup: Setup) -> dict[str, str]:
    """Variables that manage.py does not set like this. Only values in the project's files: others may be secret."""
    unlike, project = {}, setup.project
    for name in (VARIABLE, *project["sets"], *project["manage"]) if project else ():
        values = project["manage"].get(name)
        value = os.environ.get(name, "")
        public = name == VARIABLE or value in project["sets"].get(name, ())
        if value and public and values != [value] and name.isidentifier():
            unlike[name] = value
    return unlike


def facts(setup: Setup) -> Iterator[Fact]:
    """The settings that were loaded, where files of the project name others or prepare the environment otherwise."""
    project, loaded = setup.project, os.environ.get(VARIABLE, "")
    if not project or not loaded:
        return
    others = _others(setup, loaded)
    if others and loaded != project.get("chosen"):
        said = ", ".join(f"{words} {module}" for words, module in others)
        problem = f"The site runs with {loaded}; {said}."
        yield _to_switch(setup, problem, others[0][1])
    if project["differs"]:
        yield know(
            f"{project['differs']}.",
            f"They may use different databases. To migrate the site's: {command(setup, 'migrate')}",
        )
    if project["ignored"]:
        yield know(
            f"{project['ignored']}, which Seawall does not do.",
            "Do it in the module that is served, or in [environment] of seawall.toml.",
        )


def _others(setup: Setup, loaded: str) -> list[tuple[str, str]]:
    """(who names it, another settings module), likeliest for production first."""
    project = setup.project
    named = [(f"{file} names", module) for file, module in project["named"]]
    if "prod" not in loaded.rpartition(".")[2]:
        named += [("there is", module) for module in project["production"]]
    if loaded not in (values := project["manage"].get(VARIABLE, [])):
        named += [("manage.py names", module) for module in values[:1]]
    return list(dict.fromkeys((words, module) for words, module in named if module != loaded))


def _to_switch(setup: Setup, problem: str, other: str) -> Fact:
    project, why = setup.project, ""
    if _spoils(setup) or _unlike(setup):
        why = f"To migrate this site's database: {command(setup, 'migrate')}"
    if project["fixed"]:
        return know(f"{problem} {project['file']} sets this whatever the environment says.", why)
    line, there = f'{VARIABLE} = "{other}"', project["configured"] or project.get("chosen")
    if there:  # a second table of that name would be no TOML
        return know(f"{problem} To use another, in [environment] of seawall.toml:", why, (line,))
    return know(f"{problem} To use another, in seawall.toml:", why, ("[environment]", line))
