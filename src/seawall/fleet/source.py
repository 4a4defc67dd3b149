"""Reads what Python files say about a Django project, without running them."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from seawall import rights

VARIABLE = "DJANGO_SETTINGS_MODULE"
LARGEST = 1_000_000  # bytes of a file worth reading
ASGI = {"get_asgi_application", "ASGIHandler", "ProtocolTypeRouter"}


def content(path: Path) -> bytes:
    """What is in a file of the project; nothing where its owner could not read it, or it is huge."""
    try:
        return rights.read(path, largest=LARGEST)
    except OSError:
        return b""


def tree(path: Path) -> ast.Module | None:
    """The file's syntax tree, or None where there is no such file, it is huge, or it is not Python."""
    try:
        return ast.parse(rights.read(path, largest=LARGEST))
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):  # the last two: nested too deeply
        return None


def parsed(path: Path) -> ast.Module:
    """The same, empty where there is none."""
    return tree(path) or ast.Module([], [])


@dataclass
class Preparation:
    """What an entry point (manage.py, wsgi.py) does to the environment before Django reads its settings."""

    defaults: dict[str, list[str]] = field(default_factory=dict)  # variables it sets where they are unset
    fixed: dict[str, list[str]] = field(default_factory=dict)  # variables it sets whatever they were
    other: set[str] = field(default_factory=set)  # what else it does, in words: "reads .env", "sets DATABASE_URL"

    def add(self, more: "Preparation") -> None:
        for own, others in ((self.defaults, more.defaults), (self.fixed, more.fixed)):
            for name, values in others.items():
                own[name] = list(dict.fromkeys((*own.get(name, ()), *values)))
        self.other |= more.other

    def put(self, into: dict[str, list[str]], key: ast.expr, value: ast.expr) -> None:
        match key, value:
            case ast.Constant(value=str(name)), ast.Constant(value=str(text)):
                into.setdefault(name, []).append(text)
            case ast.Constant(value=str(name)), _:
                self.other |= {f"sets {name}"} - {f"sets {VARIABLE}"}
            case _:
                self.other.add("sets variables")

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
    """What the file does as far as it shows; nothing for a file that cannot be read."""
    found, module = Preparation(), parsed(path)
    imported = any(isinstance(node, ast.ImportFrom) and node.module == "os" for node in ast.walk(module))
    mappings = {"os.environ", "environ"} if imported else {"os.environ"}  # else environ is a WSGI request's
    for node in ast.walk(module):
        match node:
            case ast.Call():
                _take_call(found, node, mappings)
            case ast.Assign(targets=[ast.Subscript(value=mapping, slice=key)], value=value):
                if dotted(mapping) in mappings:
                    found.put(found.fixed, key, value)
    return found


def _take_call(found: Preparation, call: ast.Call, mappings: set[str]) -> None:
    owner, _, name = dotted(call.func).rpartition(".")
    match call:
        case ast.Call(args=[key, value]) if owner in mappings and name == "setdefault":
            found.put(found.defaults, key, value)
        case ast.Call(args=[ast.Constant(value=key), ast.Constant(value=str(value))]) if key == VARIABLE:
            found.defaults.setdefault(VARIABLE, []).append(value)
        case ast.Call(args=[ast.Constant(value=key)], keywords=[ast.keyword(value=ast.Constant(value=str(value)))]):
            if key == VARIABLE:  # decouple's config("…", default="…")
                found.defaults.setdefault(VARIABLE, []).append(value)
        case _ if owner in mappings and name == "update":
            found.other.add("sets variables")
        case _ if name != "find_dotenv" and ("dotenv" in name or name == "read_env"):
            found.other.add(f"reads {_file_name(call) or '.env'}")


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Every module the file may import, however deep in it: leading dots and name."""
    for node in ast.walk(parsed(path)):
        match node:
            case ast.Import(names=names):
                yield from ((0, alias.name) for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                yield level, module or ""
                yield from ((level, f"{module or ''}.{alias.name}".lstrip(".")) for alias in names)


def _file_name(call: ast.Call) -> str:
    """The file's own name among the arguments, or "": the path to it is another from each place."""
    given = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "dotenv_path")]
    inside = (node for argument in given for node in ast.walk(argument) if isinstance(node, ast.Constant))
    return next(
        (text.rpartition("/")[2] for text in [node.value for node in inside][::-1] if isinstance(text, str)), ""
    )


def dotted(expression: ast.expr) -> str:
    """`a.b.c`; of `a().b.c`, where a name cannot be told, `.b.c`."""
    names = []
    while isinstance(expression, ast.Attribute):
        names.append(expression.attr)
        expression = expression.value
    names.append(expression.id if isinstance(expression, ast.Name) else "")
    return ".".join(reversed(names))


def last_name(called: ast.expr) -> str:
    """`c` of `a.b.c`."""
    return dotted(called).rpartition(".")[2]


def constants(path: Path, *names: str) -> Iterator[tuple[str, str]]:
    """`NAME = "text"` at the top of the file, for the names given: name and text."""
    for node in parsed(path).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))) if name in names:
                yield name, text


def strings(path: Path, name: str) -> list[str]:
    """The texts of `NAME = ["text", …]` at the top of the file."""
    for node in parsed(path).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=found)], value=ast.List(elts=each) | ast.Tuple(elts=each)) if (
                found == name
            ):
                return [one.value for one in each if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    return []


def defines(path: Path, name: str) -> bool:
    """Whether the module has the name. One that is not Python passes: its own error says more when it is imported."""
    module = tree(path)
    return module is None or any(found in (name, "*") for found in _defined(module.body))


def _defined(body: list[ast.stmt]) -> Iterator[str]:
    nodes = list(body)
    for node in nodes:
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
                nodes += first + second  # the loop goes on with them; a thousand `elif` are as many levels
            case ast.Try(body=first, handlers=handlers, orelse=second, finalbody=last):
                nodes += first + second + last + [each for one in handlers for each in one.body]
            case ast.With(body=inner):
                nodes += inner


def is_asgi(path: Path) -> bool:
    """Whether the module makes an ASGI application."""
    calls = (node for node in ast.walk(parsed(path)) if isinstance(node, ast.Call))
    return any(last_name(call.func) in ASGI for call in calls)
