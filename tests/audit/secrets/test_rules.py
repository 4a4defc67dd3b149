"""Every rule finds its own positive examples, and is silent on its negative ones."""

import re

import pytest

from seawall.audit.secrets.rules import FileRule, Rule, load
from seawall.audit.secrets.scanner import Scanner

RULES, FILE_RULES = load()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_examples(rule: Rule) -> None:
    assert rule.positive, "a rule without an example"
    assert rule.negative, "a rule without a counter-example"
    scanner = Scanner([rule])
    for text in rule.positive:
        assert [hit.rule.id for hit in scanner.scan(text.encode())], text
        assert any(word.lower() in text.lower() for word in rule.keywords), f"no keyword in {text}"
    for text in rule.negative:
        assert not scanner.scan(text.encode()), text


@pytest.mark.parametrize("rule", FILE_RULES, ids=lambda rule: rule.id)
def test_file_examples(rule: FileRule) -> None:
    assert rule.positive
    assert rule.negative
    for path in rule.positive:
        assert any(re.search(pattern, path) for pattern in rule.paths), path
    for path in rule.negative:
        assert not any(re.search(pattern, path) for pattern in rule.paths), path
