"""The scanner, prepared once: to read and check hundreds of rules takes half a second, which no hook has."""

import json
import sys
import zlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import hyperscan

from seawall import __version__
from seawall.audit.secrets import late
from seawall.audit.secrets.compiled import HYPERSCAN, cache, compiled, keep, stored
from seawall.audit.secrets.encoded import Form
from seawall.audit.secrets.expressions import taken_apart
from seawall.audit.secrets.names import FileNames
from seawall.audit.secrets.rules import RULES, FileRule, Rule
from seawall.audit.secrets.scanner import ENDS, Scanner

_OURS = [
    Path(__file__).with_name(name)
    for name in ("rules.py", "encoded.py", "compiled.py", "expressions.py", "ready.py", "scanner.py")
]  # what is kept has their shape


def ready(own: Sequence[Path] = (), told: Callable[[], None] = lambda: None) -> Scanner:
    """Our rules and those in the files `own`; `told` is called if that will take seconds. Raises ConfigError.

    Kept in the user's cache, by the names, sizes and times of the rules' files.
    """
    return kept(own) or _made(own, told)


def kept(own: Sequence[Path] = ()) -> Scanner | None:
    """The same, if it was prepared before."""
    about = _about(own)
    try:
        digest, _, content = _file(about).read_bytes().partition(b"\n")
        if int(digest) != zlib.crc32(content):
            return None  # damaged: made anew
        first, *rows = content.decode().split("\n")
    except (OSError, ValueError):  # not there, or not even that
        return None
    whole = json.loads(first)
    if whole["about"] != about:
        return None
    database, names = (stored(cache() / whole[each]) for each in ("database", "names"))
    if database is None or names is None:
        return None
    count = whole["rules"]
    scanner = Scanner(_Late(rows[:count], _rule), [_rule(row, FileRule) for row in whole["file rules"]])
    scanner.names = _Names(scanner.names.rules, names)
    forms = _Late(rows[2 * count :], lambda row: Form(row[0].encode("latin-1"), *row[1:]))
    scanner.use(forms, database, expressions=rows[count : 2 * count], **whole["known"])
    late.keep(whole["late"])
    return scanner


def _file(about: str) -> Path:
    return cache() / f"rules-{zlib.crc32(about.encode()):08x}.jsonl"


def _about(own: Sequence[Path]) -> str:
    about = [__version__, HYPERSCAN, sys.version]
    for file in [*_OURS, *sorted(RULES.glob("*.toml")), *own]:
        about.append(ascii(str(file.absolute())))
        if file.exists():  # if not, who reads it says so
            status = file.stat()
            about.append(f"{status.st_size} {status.st_mtime_ns}")
    return "\n".join(about)


def _line(row: Sequence[Any]) -> str:
    return json.dumps(row, separators=(",", ":"))


def _rule(row: list[Any], kind: Callable[..., Any] = Rule) -> Any:
    return kind(*[tuple(value) if isinstance(value, list) else value for value in row])


class _Late(Sequence[Any]):
    """What is made of each row, which is JSON, when it is asked for: of thousands hardly one is."""

    def __init__(self, rows: Sequence[str], make: Callable[[list[Any]], Any]) -> None:
        self._rows = rows
        self._make = make
        self._made: dict[int, Any] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, at: Any) -> Any:
        made = self._made.get(at)
        if made is None:
            made = self._made[at] = self._make(json.loads(self._rows[at]))
        return made


class _Names(FileNames):
    """Refuses most paths without compiling the expressions, of which there are hundreds."""

    def __init__(self, rules: Sequence[FileRule], database: hyperscan.Database) -> None:
        super().__init__(rules)
        self._database = database

    def suspicious(self, path: str) -> bool:
        """As without, quicker."""
        return bool(self._ends(path.encode("utf-8", "surrogateescape"))) and super().suspicious(path)

    def among(self, paths: Iterable[str]) -> set[str]:
        """As without, all in one pass."""
        listed, there = list(paths), set()
        data = "\n".join(listed).encode("utf-8", "surrogateescape")
        if data.count(b"\n") >= len(listed) or any(ENDS.search(path) for path in self._paths()):
            return super().among(listed)  # a name has a newline, or an expression asks for where the text ends
        for end in self._ends(data):
            newline = data.find(b"\n", end)
            there.add(data[data.rfind(b"\n", 0, end) + 1 : newline if newline >= 0 else len(data)])
        return super().among(each.decode("utf-8", "surrogateescape") for each in there)

    def _ends(self, data: bytes) -> list[int]:
        """Where matches end; there may be more than the expressions have."""
        found: list[int] = []
        self._database.scan(data, match_event_handler=lambda number, start, end, *rest: found.append(end))
        return found


def _made(own: Sequence[Path], told: Callable[[], None]) -> Scanner:
    from seawall.audit.secrets.own import load_own
    from seawall.audit.secrets.rules import load

    told()
    rules, by_name = load()
    more, more_by_name = load_own(own, (*rules, *by_name))
    scanner = Scanner((*rules, *more), (*by_name, *more_by_name))
    scanner.scan(b"")  # compiles
    if scanner.file:
        paths = [path.encode() for rule in by_name + more_by_name for path in rule.paths]
        _, names = compiled(paths, [False] * len(paths), [], prefilter=True)
        for rule in rules:
            if rule.heuristic or rule.judge:  # their own examples need the expressions that most texts need
                scanner.scan("\n\n".join(rule.positive + rule.negative).encode())
        rows = list(scanner.rules)
        forms = [(literal.decode("latin-1"), *rest) for literal, *rest in scanner.forms]
        about = _about(own)
        whole = {
            "about": about,
            "names": names.name,
            "database": scanner.file.name,
            "known": {name: getattr(scanner, name) for name in ("longest", "in_parts", "likely")},
            "file rules": list(scanner.names.rules),
            "late": late.used(),
            "rules": len(rows),
        }
        expressions = [taken_apart(rule.expression.encode()) for rule in scanner.rules]
        lines = [json.dumps(whole), *map(_line, rows), *expressions, *map(_line, forms)]
        content = "\n".join(lines).encode()
        keep(_file(about), f"{zlib.crc32(content)}\n".encode() + content)
    return scanner
