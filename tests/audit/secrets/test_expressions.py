"""Expressions from what `re` made of them before are those that `re` makes."""

import re
from re import _compiler  # type: ignore[attr-defined]
from typing import Any

import pytest

from seawall.audit.secrets import late
from seawall.audit.secrets.expressions import compiled, taken_apart
from seawall.audit.secrets.rules import load
from seawall.audit.secrets.scanner import Scanner


def test_every_rules() -> None:
    rules, _ = load()
    for rule in rules:
        pattern = rule.expression.encode()
        kept = taken_apart(pattern)
        assert kept
        made, wanted = compiled(pattern, kept), re.compile(pattern)
        assert made == wanted  # compares what they are compiled to
        assert (made.flags, made.groups, made.groupindex) == (wanted.flags, wanted.groups, wanted.groupindex)


def test_those_of_the_judgement() -> None:
    rules, _ = load()
    scanner = Scanner(rules)
    for rule in rules:
        scanner.scan("\n\n".join(rule.positive + rule.negative).encode())
    kept = late.used()
    assert len(kept) > 100
    for pattern, text in kept.items():
        assert compiled(pattern, text) == re.compile(pattern)


def test_names_of_groups() -> None:
    pattern = r"(?P<one>a)(b)(?P<three>c)"
    made = compiled(pattern, taken_apart(pattern))
    match = made.fullmatch("abc")
    assert match
    assert match.groupdict() == {"one": "a", "three": "c"}
    assert match.lastgroup == "three"


@pytest.mark.parametrize(
    "kept", ["", "[]", "{}", "[1,2,3,4]", "[0,[1,2,3],0,{}]", "[0,[99999999999],0,{}]", "null", "x"]
)
def test_what_was_kept_is_of_no_use(kept: str) -> None:
    assert compiled("a+", kept) == re.compile("a+")


def test_a_python_that_does_it_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise TypeError("code() takes 3 positional arguments")

    monkeypatch.setattr(_compiler, "_code", fails)
    assert taken_apart("a+") == ""


def test_a_python_that_makes_something_else_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    right = _compiler._code(re._parser.parse("b+"), 0)  # type: ignore[attr-defined]
    monkeypatch.setattr(_compiler, "_code", lambda *_: right)
    re.purge()
    wanted = re.compile("b+")
    monkeypatch.setattr(re, "compile", lambda pattern: wanted if pattern == "b+" else None)
    assert taken_apart("a+") == ""
