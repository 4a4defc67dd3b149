"""The rules: what credentials look like, one readable TOML table each, in `rules/*.toml` and the user's own files."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, get_args

from seawall.audit.finding import Severity
from seawall.errors import ConfigError

ISSUED = 20  # characters of a vendor's token that nobody can guess: what it begins with, and 64 bits at least
RULES = Path(__file__).with_name("rules")

# Between a name and its value: quotes and brackets that close, an operator, quotes that open, escaped or not.
# A string's prefix only counts with a quote, lest it takes the value's first letters.
ASSIGNED = r"""[\\'"\])]{0,4}[ \t]{0,4}(?::=|=>|->|=|:|,)[ \t]{0,4}(?:[rbuf]{0,2}[\\'"`]{1,4})?"""


class Rule(NamedTuple):
    """One format. `pattern` and `name` are regular expressions that both Python's `re` and Hyperscan understand."""

    id: str
    vendor: str
    description: str
    pattern: str  # its first group is the secret, else all of it
    keywords: tuple[str, ...]  # one of them is in every match; upper or lower case as written, unless in `(?i:…)`
    name: str = ""  # what the value is assigned to, for formats that could be anything: `(?i:datadog[\w.-]{0,20}key)`
    boundary: bool = True  # no letter, digit or _ may touch the secret, nor - after it; a checksum makes it needless
    entropy: float = 0.0  # least Shannon entropy of the secret, bits a character
    checksum: str = ""  # function in checksums.py that proves it
    structure: str = ""  # function in structures.py that must hold
    judge: str = ""  # function in judge.py that looks at value, name and line; without: the one for vendors' formats
    anchor: str = ""  # for Hyperscan in place of `pattern`, which begins where this does and may then use lookaround
    heuristic: bool = False  # not a vendor's format: it only looks like a credential
    near: bool = False  # with an anchor: the pattern matches anywhere near it, not where it begins
    multiline: bool = False  # a match may be longer than a line
    longest: int = 512  # bytes of what matches and what has to be around it in its line
    lines: int = 0  # how many lines before and after that of the match's end belong to it
    severity: Severity = "high"
    rotate: str = ""  # the vendor's page on revoking it
    positive: tuple[str, ...] = ()
    negative: tuple[str, ...] = ()

    def issued(self, secret: str) -> bool:
        """Whether a vendor's machine made `secret`, or anybody's a private key, so that nobody can guess it."""
        made = self.judge in ("", "body") and not self.heuristic and not self.name
        return made and len(secret) >= ISSUED

    @property
    def in_a_line(self) -> bool:
        """Whether nothing depends on other lines than the one of the match's end."""
        return not (self.multiline or self.lines)

    @property
    def expression(self) -> str:
        """The whole pattern, with what the value is assigned to."""
        return f"{self.name}{ASSIGNED}({self.pattern})" if self.name else self.pattern


class FileRule(NamedTuple):
    """A file that is a credential by its name."""

    id: str
    vendor: str
    description: str
    paths: tuple[str, ...]  # regular expressions on the whole path, with /
    content: str = ""  # one that must match in it as well, if given
    severity: Severity = "high"
    rotate: str = ""
    positive: tuple[str, ...] = ()  # paths
    negative: tuple[str, ...] = ()

    def issued(self, secret: str) -> bool:
        """As a rule's: anything may be in a file."""
        return False


def load(*files: Path) -> tuple[tuple[Rule, ...], tuple[FileRule, ...]]:
    """The rules in `files`; without any, our own. Raises ConfigError naming the file, the rule and what is wrong."""
    rules: dict[str, Rule] = {}
    file_rules: dict[str, FileRule] = {}
    for file in files or sorted(RULES.glob("*.toml")):
        for table in _tables(file, "rule"):
            _add(rules, Rule, table, file)
        for table in _tables(file, "file"):
            _add(file_rules, FileRule, table, file)
    return tuple(rules.values()), tuple(file_rules.values())


def _tables(file: Path, name: str) -> Iterator[dict[str, Any]]:
    import tomllib

    try:
        document = tomllib.loads(file.read_text())
        yield from (_assembled(table, document.get("pieces", {})) for table in document.get(name, []))
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}.", "Name a file of rules, as TOML.") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError) as error:
        raise ConfigError(
            f"{file}: {error}", "See `seawall secrets rules --help` for what a rule looks like."
        ) from error


def _assembled(table: dict[str, Any], pieces: dict[str, str]) -> dict[str, Any]:
    """`table` with each `%{name}` in its expressions replaced by the file's piece of that name."""
    expressions = {key: table[key] for key in ("name", "pattern", "anchor") if key in table}
    while any("%{" in text for text in expressions.values()):
        for key in expressions:
            expressions[key] = re.sub(r"%\{(\w+)\}", lambda match: pieces[match[1]], expressions[key])
    return table | expressions


# What a field of theirs is in TOML.
_TYPES: dict[str, Any] = {
    "<class 'str'>": str,
    "<class 'bool'>": bool,
    "<class 'int'>": int,
    "<class 'float'>": (int, float),
    "tuple[str, ...]": list,
    str(Severity): str,
}
_CALLED = {str: "text", bool: "true or false", int: "a whole number", (int, float): "a number", list: "a list of texts"}


def _add(rules: dict[str, Any], kind: type[Any], table: dict[str, Any], file: Path) -> None:
    where = f"{file.name}: rule {table.get('id', '?')!r}"
    known = kind.__annotations__
    if unknown := set(table) - set(known):
        raise ConfigError(f"{where}: unknown key {min(unknown)}.", f"Known are: {', '.join(known)}.")
    needed = known.keys() - kind._field_defaults
    if missing := needed - set(table):
        raise ConfigError(f"{where}: {min(missing)} is missing.")
    for key, value in table.items():
        wanted = _TYPES[str(known[key])]
        if not isinstance(value, wanted) or (wanted is list and not all(isinstance(each, str) for each in value)):
            raise ConfigError(f"{where}: {key} is to be {_CALLED[wanted]}, not {value!r}.")
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
    rule = kind(**values)
    if rule.id in rules:
        raise ConfigError(f"{where} stands twice.")
    if rule.severity not in get_args(Severity):
        raise ConfigError(f"{where}: severity {rule.severity!r} is none of {', '.join(get_args(Severity))}.")
    for expression in (rule.expression,) if isinstance(rule, Rule) else (*rule.paths, rule.content):
        try:
            re.compile(expression.encode())
        except re.error as error:
            raise ConfigError(f"{where}: {error}: {expression}") from error
    rules[rule.id] = rule
