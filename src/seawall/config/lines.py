"""Where things stand in a TOML document, so that an error can name the line. tomllib does not say."""

import re
import tomllib
from collections.abc import Iterator
from typing import Any

Key = tuple[str, ...]
DEEPEST = 8  # parts of a key: settings have two
MOST = 2_000_000  # letters that are parsed: a text over thousands of lines is parsed anew with each of them


def key_lines(text: str) -> dict[Key, int]:
    """The line (from 1) on which each key of a valid TOML document is first written; tables too.

    A statement is what parses on its own, so strings, comments, dotted and quoted keys, inline tables and arrays over
    several lines need no rules of their own. What comes after a statement of very many lines is not told.
    """
    lines: dict[Key, int] = {}
    table: Key = ()
    statement, start, work = "", 1, 0
    for number, line in enumerate(text.split("\n"), 1):
        statement += line + "\n"
        work += len(statement)
        if work > MOST:
            break
        try:
            parsed = tomllib.loads(statement)
        except ValueError:
            continue
        paths = list(_paths(parsed))
        if statement.lstrip().startswith("["):
            table = ()
        for path in paths:
            lines.setdefault(table + path, start)
        if statement.lstrip().startswith("["):
            table = paths[-1]
        statement, start = "", number + 1
    return lines


def _paths(value: Any, above: Key = ()) -> Iterator[Key]:
    tables = [value] if isinstance(value, dict) else value if isinstance(value, list) else []
    for table in tables:
        for key, inner in table.items() if isinstance(table, dict) else ():
            yield (*above, key)
            if len(above) < DEEPEST:
                yield from _paths(inner, (*above, key))


def syntax_position(error: ValueError, text: str) -> tuple[int, int, str]:
    """Line, column and message of tomllib's complaint; without a position it is the end of the document."""
    match = re.fullmatch(r"(.*) \(at line (\d+), column (\d+)\)", str(error), re.DOTALL)
    if match:
        return int(match[2]), int(match[3]), match[1]
    lines = text.rstrip("\n").split("\n")
    return len(lines), len(lines[-1]) + 1, str(error).removesuffix(" (at end of document)")
