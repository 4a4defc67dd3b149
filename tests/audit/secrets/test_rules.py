"""Every rule finds its own positive examples, and is silent on its negative ones."""

import base64
import json
import random
import re
from re import _parser  # type: ignore[attr-defined]

import hyperscan
import pytest

from seawall.audit.secrets.checksums import CHECKSUMS
from seawall.audit.secrets.rules import FileRule, Rule, load
from seawall.audit.secrets.scanner import Scanner
from seawall.audit.secrets.structures import STRUCTURES

RULES, FILE_RULES = load()
ALL = Scanner(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_examples(rule: Rule) -> None:
    assert rule.positive, "a rule without an example"
    assert rule.negative, "a rule without a counter-example"
    scanner = Scanner([rule], kept=False)
    for text in rule.positive:
        assert [hit.rule.id for hit in scanner.scan(text.encode())], text
        assert any(word.lower() in text.lower() for word in rule.keywords), f"no keyword in {text}"
    for text in rule.negative:
        assert not scanner.scan(text.encode()), text


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_form(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.id), "identifiers are kebab-case"
    assert rule.keywords, "a rule without keywords cannot be filtered beforehand"
    assert all(len(word) >= 2 for word in rule.keywords), rule.keywords
    assert not rule.checksum or rule.checksum in CHECKSUMS
    assert not rule.structure or rule.structure in STRUCTURES


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_nothing_that_matches_is_longer_than_what_is_looked_at(rule: Rule) -> None:
    longest = _parser.parse(rule.expression).getwidth()[1]
    # What surrounds a value, as spaces, may be of any length: a window is enough.
    assert rule.multiline or longest <= rule.longest or longest >= _parser.MAXREPEAT


@pytest.mark.parametrize("scopes", [1, 50, 300], ids="{} scopes".format)
def test_a_long_token_is_found_whole(scopes: int) -> None:
    source = random.Random(scopes)
    payload = {"sub": "ada", "scope": " ".join(f"{source.getrandbits(60):x}" for _ in range(scopes))}
    parts = json.dumps({"alg": "RS256", "kid": "2025"}).encode(), json.dumps(payload).encode(), source.randbytes(256)
    token = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    assert [hit.secret for hit in ALL.scan(b'TOKEN = "%s"\n' % token)] == [token.decode()]


def test_identifiers_are_unique() -> None:
    ids = [rule.id for rule in (*RULES, *FILE_RULES)]
    assert len(ids) == len(set(ids))


def test_all_expressions_compile_together() -> None:
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    expressions = [(rule.anchor or rule.expression).encode() for rule in RULES]
    database.compile(expressions=expressions, ids=list(range(len(RULES))), flags=[0] * len(RULES))
    assert database.info()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_no_other_rule_takes_its_examples(rule: Rule) -> None:
    for text in rule.positive:
        assert {hit.rule.id for hit in ALL.scan(text.encode())} == {rule.id}, text


@pytest.mark.parametrize("rule", FILE_RULES, ids=lambda rule: rule.id)
def test_file_examples(rule: FileRule) -> None:
    assert rule.positive
    assert rule.negative
    for path in rule.positive:
        assert any(re.search(pattern, path) for pattern in rule.paths), path
    for path in rule.negative:
        assert not any(re.search(pattern, path) for pattern in rule.paths), path
