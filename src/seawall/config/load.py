"""Reading seawall.toml, and saying what is wrong with it: file, line, key, what was expected, what was given."""

import difflib
import errno
import heapq
import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from seawall import rights
from seawall.config.lines import Key, key_lines, syntax_position
from seawall.config.schema import SECTIONS, SETTINGS, expected
from seawall.config.settings import Settings
from seawall.config.written import LARGEST
from seawall.errors import ConfigError, shell

TOLD = 20  # wrong settings: who has more begins with these
LONGEST = 60  # letters of a value, or of a key, that are shown
BEFORE, AFTER = 60, 40  # letters of a line around a mistake


def load(path: Path) -> Settings:
    """The settings in the file `path`; the defaults where there is none. Raises ConfigError."""
    return understood(path, read(path))


def read(path: Path) -> bytes:
    """What is in the file; nothing where there is none. Quick, whatever it is. Raises ConfigError."""
    try:
        return rights.read(path, largest=LARGEST)
    except FileNotFoundError:
        return b""
    except OSError as error:
        if error.errno == errno.EFBIG:
            large = f"{path} has more than {LARGEST >> 10} KB."
            raise ConfigError(large, "Keep data in files of their own, and name those in [environment].") from error
        raise ConfigError(f"{path} cannot be read: {error.strerror}.", f"Look at it: ls -ld {shell(path)}") from error


def understood(path: Path, data: bytes) -> Settings:
    """The settings that the file says. It may take seconds, if somebody wants it to. Raises ConfigError."""
    text = _decode(path, data)
    table = _parse(path, text)
    try:
        return Settings.model_validate(table)
    except ValidationError as error:
        lines = key_lines(text)
        wrong = [(_line(lines, item["loc"]), number, item) for number, item in enumerate(error.errors())]
    first = dict.fromkeys(f"{path}:{line}: {_sentence(item)}" for line, _, item in heapq.nsmallest(TOLD, wrong))
    raise _config_error(list(first), len(wrong) if len(wrong) > TOLD else len(first), str(path))


def validated(table: Mapping[str, Any], where: str) -> Settings:
    """The settings in a table that is no file. Raises ConfigError."""
    try:
        return Settings.model_validate(table)
    except ValidationError as error:
        wrong = error.errors()
        raise _config_error([_sentence(item) for item in wrong[:TOLD]], len(wrong), where) from None


def listed(names: Iterable[str]) -> str:
    """`servers.min`, `servers.max`."""
    return ", ".join(f"`{name}`" for name in names)


def _decode(path: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")  # some editors put a byte order mark first
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{path}:{line}: expected text in UTF-8, found the byte 0x{data[error.start]:02x}.",
            "Save the file again with the encoding UTF-8.",
        ) from error


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ConfigError(f"{path}:1: brackets nested too deeply to read.") from error
    except ValueError as error:
        line, column, message = syntax_position(error, text)
        raise ConfigError(
            f"{path}:{line}:{column}: not valid TOML: {message[: 2 * LONGEST]}.",
            'Text goes in quotes: name = "shop". Sections go in brackets: [servers].',
            _pointed(text.split("\n")[line - 1], column - 1),
        ) from error


def _pointed(line: str, at: int) -> str:
    """The line, or what is around the place in it, and an arrow to the place."""
    start = max(0, at - BEFORE)
    return f"{line[start : at + AFTER]}\n{' ' * (at - start)}^"


def _config_error(sentences: list[str], number: int, where: str) -> ConfigError:
    """`number` are wrong, and the first ones are told."""
    if len(sentences) == 1:
        return ConfigError(sentences[0])
    if number > TOLD:
        sentences = [*sentences, f"and {number - TOLD} more"]
    return ConfigError(f"{number} settings in {where} are wrong.", "", "\n".join(sentences))


def _line(lines: Mapping[Key, int], location: tuple[int | str, ...]) -> int:
    """The line of a key, or of the nearest table around it that was written."""
    path = tuple(str(part) for part in location)
    return next((lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in lines), 1)


def _sentence(item: ErrorDetails) -> str:
    """One wrong setting: what was expected and what was given."""
    path = tuple(part for part in item["loc"] if isinstance(part, str) and part != "[key]")
    key = _short(".".join(path))
    if item["type"] == "extra_forbidden":
        return f"{key}: there is no such setting{_hint(path)}"
    return f"{key}: expected {_wanted(path, item)}, found {_shown(item['input'])}."


def _wanted(path: Key, item: ErrorDetails) -> str:
    if item["type"] == "expected":
        return item["msg"]
    if path[0] in SECTIONS and len(path) == 1:
        return f"a section: [{path[0]}] on a line of its own"
    if path[0] == "environment" and len(path) > 1:
        return "a text in quotes"
    if item["type"] == "string_pattern_mismatch":
        return "a path that begins with / and has no spaces" if path[0] == "warm_path" else "one line of text"
    return expected(SETTINGS[path])


def _hint(path: Key) -> str:
    """The valid key a wrong one was meant for, wherever it belongs."""
    *section, name = (part[:LONGEST] for part in path)
    siblings = [*(key[-1] for key in SETTINGS if list(key[:-1]) == section), *(() if section else SECTIONS)]
    near = difflib.get_close_matches(name.lower(), siblings, 1)
    if near:
        return f"; did you mean `{near[0]}`?"
    everywhere = {key[-1]: key for key in SETTINGS} | {section: (section,) for section in SECTIONS}
    far = difflib.get_close_matches(name.lower(), everywhere, 1)
    return f"; {_belongs(everywhere[far[0]])}" if far else f"; valid here: {listed(siblings)}."


def _belongs(key: Key) -> str:
    if key[0] in SECTIONS:
        return f"[{key[0]}] is a section of its own." if len(key) == 1 else f"`{key[1]}` belongs under [{key[0]}]."
    return f"`{key[0]}` belongs at the top, before the first section."


def _shown(value: object) -> str:
    """A value as TOML has it; short, whatever it is."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list | tuple):
        return "a table" if isinstance(value, dict) else "a list"
    if isinstance(value, int) and value.bit_length() > 200:
        return "a huge number"
    shown = json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)
    return _short(shown)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
