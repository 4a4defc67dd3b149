"""Reads what Python files say about a Django project, without running them."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

VARIABLE = "DJANGO_SETTINGS_MODULE"
LARGEST = 1_000_000  # bytes of a file worth reading
ASGI = {"get_asgi_application", "ASGIHandler", "ProtocolTypeRouter"}


def tree(path: Path) -> ast.Module | None:
    """The file's syntax tree, or None where there is no such file, it is huge, or it is not Python."""
    try:
        return ast.parse(path.read_bytes()) if path.stat().st_size < LARGEST else None
    except (OSError, SyntaxError, ValueError):
        return None


@dataclass
class Preparation:
    """What an entry point (manage.py, wsgi.py) does to the environment before Django reads its settings."""

    defaults: dict[str, list[str]] = field(default_factory=dict)  # variables it sets where they are unset
    fixed: dict[str, list[str]] = field(default_factory=dict)  # variables it sets whatever they were
    files: set[str] = field(default_factory=set)  # files of variables it reads, such as .env

    @property
    def sets(self) -> dict[str, list[str]]:
        """Every variable it sets, with the values it may get: several where it depends on a condition."""
        return {
            name: self.fixed.get(name, []) + self.defaults.get(name, []) for name in {**self.fixed, **self.defaults}
        }

    @property
    def settings(self) -> list[str]:
        return self.sets.get(VARIABLE, [])


def preparation(path: Path) -> Preparation:
    """What the file does as far as it says so in literals; nothing for a file that cannot be read."""
    found = Preparation()
    for node in ast.walk(tree(path) or ast.Module([], [])):
        match node:
            case ast.Call(func=called, args=[ast.Constant(value=str(key)), ast.Constant(value=str(value))]) if (
                key == VARIABLE or ast.unparse(called).endswith("environ.setdefault")
            ):
                found.defaults.setdefault(key, []).append(value)
            case ast.Call(args=[ast.Constant(value=key)], keywords=[ast.keyword(value=ast.Constant(value=str(value)))]):
                if key == VARIABLE:  # decouple's config("…", default="…")
                    found.defaults.setdefault(VARIABLE, []).append(value)
            case ast.Assign(
                targets=[ast.Subscript(value=mapping, slice=ast.Constant(value=str(key)))],
                value=ast.Constant(value=str(value)),
            ) if ast.unparse(mapping).endswith("environ"):
                found.fixed.setdefault(key, []).append(value)
            case ast.Call(func=called) if "dotenv" in (name := last_name(called)) or name == "read_env":
                if name != "find_dotenv":
                    found.files.add(_strings(node) or ".env")
    return found


def _strings(call: ast.Call) -> str:
    """The literals among the arguments: of a path only the names matter, since each file is in another folder."""
    inside = (node for argument in (*call.args, *call.keywords) for node in ast.walk(argument))
    return "/".join(node.value for node in inside if isinstance(node, ast.Constant) and isinstance(node.value, str))


def last_name(called: ast.expr) -> str:
    """`c` of `a.b.c`."""
    return ast.unparse(called).rpartition(".")[2]


def constants(path: Path, *names: str) -> Iterator[tuple[str, str]]:
    """`NAME = "text"` at the top of the file, for the names given: name and text."""
    for node in (tree(path) or ast.Module([], [])).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))) if name in names:
                yield name, text


def defines(path: Path, name: str) -> bool:
    """Whether the module has the name. One that is not Python passes: its own error says more when it is imported."""
    parsed = tree(path)
    return parsed is None or any(found in (name, "*") for found in _defined(parsed.body))


def _defined(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        match node:
            case ast.Assign(targets=targets):
                yield from (each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                yield from (alias.asname or alias.name for alias in names)
            case ast.If(body=first, orelse=second):
                yield from _defined(first + second)
            case ast.Try(body=first, handlers=handlers, orelse=second, finalbody=last):
                yield from _defined(first + second + last + [each for one in handlers for each in one.body])
            case ast.With(body=inner):
                yield from _defined(inner)


def is_asgi(path: Path) -> bool:
    """Whether the module makes an ASGI application."""
    calls = (node for node in ast.walk(tree(path) or ast.Module([], [])) if isinstance(node, ast.Call))
    return any(last_name(call.func) in ASGI for call in calls)
