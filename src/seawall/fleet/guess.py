"""Guesses what an unconfigured folder holds, to name the exact line for seawall.toml."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

from seawall.fleet import source

FRAMEWORKS = {  # what makes the application → setting
    "get_wsgi_application": "wsgi",
    "get_asgi_application": "asgi",
    "Flask": "wsgi",
    "Bottle": "wsgi",
    "FastAPI": "asgi",
    "Starlette": "asgi",
    "Litestar": "asgi",
    "Quart": "asgi",
    "Sanic": "asgi",
}


def remedy(project: Path) -> str:
    """The line that would make the most likely application in the folder run."""
    for line in _python(project):
        return f"Write this to {project / 'seawall.toml'}:\n{line}"
    for line in _node(project):
        return f"Write this to {project / 'seawall.toml'}; the program must listen on the port in PORT:\n{line}"
    return (
        f"Go to the folder of a Django project, or write one of these lines to {project / 'seawall.toml'}:\n"
        'wsgi = "module:application"\nasgi = "module:app"\ncommand = "program --port {port}"'
    )


def _python(project: Path) -> Iterator[str]:
    told = dict(source.constants(project / "gunicorn.conf.py", "wsgi_app", "worker_class"))
    if "wsgi_app" in told:
        yield f'{"asgi" if "uvicorn" in told.get("worker_class", "") else "wsgi"} = "{told["wsgi_app"]}"'
    usual = ("app.py", "main.py", "wsgi.py", "asgi.py")
    files = [project / name for name in usual] + sorted(project.glob("*.py"))
    files += [package / name for package in sorted(project.glob("*/")) for name in (*usual, "__init__.py")]
    for path in dict.fromkeys(files):
        module = ".".join(path.relative_to(project).with_suffix("").parts).removesuffix(".__init__")
        for setting, name in _applications(path):
            yield f'{setting} = "{module}:{name}"'


def _applications(path: Path) -> Iterator[tuple[str, str]]:
    """`name = Flask(…)` at the top of the module."""
    for node in source.parsed(path).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=called)):
                maker = source.last_name(called)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Call(func=called)):
                maker = source.last_name(called)
            case _:
                continue
        if maker in FRAMEWORKS:
            yield FRAMEWORKS[maker], name


def _node(project: Path) -> Iterator[str]:
    try:
        package = json.loads(source.content(project / "package.json"))
    except (ValueError, RecursionError):
        return
    if not isinstance(package, dict):
        return
    scripts, program = package.get("scripts"), package.get("main")
    if isinstance(scripts, dict) and "start" in scripts:
        yield 'command = "npm start"'
    else:
        yield f'command = "node {program if isinstance(program, str) else "index.js"}"'
