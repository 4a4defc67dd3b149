"""A user's own rules: checked more closely than ours, which the tests check."""

from collections.abc import Sequence
from pathlib import Path

import hyperscan

from seawall.audit.secrets.compiled import MULTILINE
from seawall.audit.secrets.rules import FileRule, Rule, load
from seawall.errors import ConfigError

HELP = "What a rule looks like: seawall secrets rules --help"


def load_own(files: Sequence[Path], ours: Sequence[Rule | FileRule]) -> tuple[tuple[Rule, ...], tuple[FileRule, ...]]:
    """The rules in `files`. Raises ConfigError, naming the rule, for any that could not do what it says."""
    if not files:
        return (), ()
    rules, by_name = load(*files)
    if not rules and not by_name:
        raise ConfigError(f"There is no [[rule]] and no [[file]] in {files[0]}.", HELP)
    taken = {rule.id for rule in ours}
    for name in [rule.id for rule in rules] + [rule.id for rule in by_name]:
        if name in taken:
            raise ConfigError(f"Rule {name}: there is one of this name already.", "Give yours another id.")
    for rule in rules:
        _check(rule)
    return rules, by_name


def _check(rule: Rule) -> None:
    try:
        database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        database.compile(expressions=[(rule.anchor or rule.expression).encode()], ids=[0], flags=[MULTILINE])
    except hyperscan.HyperscanError as error:
        remedy = (
            "Without look-around, backreferences, and what matches nothing at all; the part to be shown in a group."
        )
        raise ConfigError(f"Rule {rule.id}: the pattern cannot be used: {error}", remedy) from error
    for text in rule.positive:
        if not any(word.lower() in text.lower() for word in rule.keywords):
            raise ConfigError(f"Rule {rule.id}: none of its keywords is in its example {text!r}.", HELP)
    if text := failing(rule):
        what = (
            "does not find its example" if text in rule.positive else "finds what it should not, its negative example"
        )
        raise ConfigError(f"Rule {rule.id} {what} {text!r}.", f"The expression is {rule.expression}")


def failing(rule: Rule) -> str:
    """The first of the rule's own examples that it gets wrong, or "": one it does not find, or one it should not."""
    from seawall.audit.secrets.scanner import Scanner

    scanner = Scanner([rule], kept=False)
    wrong = [text for text in rule.positive if not scanner.scan(text.encode())]
    return next(iter(wrong + [text for text in rule.negative if scanner.scan(text.encode())]), "")
