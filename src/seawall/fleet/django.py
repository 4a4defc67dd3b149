"""Finds a Django project and its settings module without importing any of it."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from seawall.errors import ApplicationNotFound

VARIABLE = "DJANGO_SETTINGS_MODULE"
NOT_PROJECTS = {"node_modules", "venv", "env", "site-packages"}


def find_manage(project: Path) -> Path | None:
    """`manage.py` in the folder, else the one in a folder below. Raises ApplicationNotFound if several have one."""
    here = project / "manage.py"
    if here.is_file():
        return here
    below = [path for path in sorted(project.glob("*/manage.py")) if _counts(path.parent.name)]
    if len(below) > 1:
        raise ApplicationNotFound(
            f"There are several Django projects in {project}: {', '.join(path.parent.name for path in below)}.",
            "Go to the folder of one of them.",
        )
    return below[0] if below else None


def _counts(folder: str) -> bool:
    return not folder.startswith(".") and folder not in NOT_PROJECTS


def settings_module(manage: Path, environment: Mapping[str, str]) -> str:
    """The settings module manage.py would use. Raises ApplicationNotFound if it does not say."""
    if environment.get(VARIABLE):
        return environment[VARIABLE]
    for source in (manage, *sorted(manage.parent.glob("*/wsgi.py"))):
        for name in _named_in(source):
            return name
    # Mezzanine and others compute the name: then the only settings there are, where a project has them.
    if len(found := list(manage.parent.glob("*/settings.py"))) == 1:
        return f"{found[0].parent.name}.settings"
    raise ApplicationNotFound(
        f"{manage} does not say which settings the project uses.",
        f'Write it to seawall.toml:\n[environment]\n{VARIABLE} = "mysite.settings"',
    )


def _named_in(source: Path) -> Iterator[str]:
    """`setdefault("DJANGO_…", "x")`, `environ["DJANGO_…"] = "x"` and `config("DJANGO_…", default="x")`."""
    try:
        tree = ast.parse(source.read_bytes())
    except SyntaxError as error:
        raise ApplicationNotFound(f"{source} is not Python: {error.msg} in line {error.lineno}.") from error
    for node in ast.walk(tree):
        match node:
            case ast.Call(args=[ast.Constant(value=key), ast.Constant(value=str(name))]) if key == VARIABLE:
                yield name
            case ast.Call(args=[ast.Constant(value=key)], keywords=[ast.keyword(value=ast.Constant(value=str(name)))]):
                if key == VARIABLE:
                    yield name
            case ast.Assign(
                targets=[ast.Subscript(slice=ast.Constant(value=key))], value=ast.Constant(value=str(name))
            ) if key == VARIABLE:
                yield name
