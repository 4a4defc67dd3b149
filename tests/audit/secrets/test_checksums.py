"""Checksums hold for what the vendors publish and for our own rules' examples, and break with any change."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.audit.secrets.checksums import CHECKSUMS, azure_annotated, azure_identifiable, confluent, github
from seawall.audit.secrets.marvin import marvin32
from seawall.audit.secrets.rules import Rule, load

CHECKED = [rule for rule in load()[0] if rule.checksum]


def secret(rule: Rule, text: str) -> str:
    found = re.search(rule.expression, text)
    assert found, text
    return found[1] if found.re.groups else found[0]


@pytest.mark.parametrize("rule", CHECKED, ids=lambda rule: rule.id)
def test_a_change_of_one_character_is_noticed(rule: Rule) -> None:
    valid = CHECKSUMS[rule.checksum]
    for text in rule.positive:
        token = secret(rule, text)
        assert valid(token)
        middle = len(token) // 2
        assert not valid(token[:middle] + ("A" if token[middle] != "A" else "Q") + token[middle + 1 :])


# Of .NET's own tests of Marvin: seed, data, and the two halves of the 64-bit hash, which the 32-bit one combines.
@pytest.mark.parametrize(
    ("data", "halves"),
    [
        ("", 0x30ED35C100CD3C7D),
        ("AF", 0x48E73FC77D75DDC1),
        ("E70F", 0xB5F6E1FC485DBFF8),
        ("37F495", 0xF0B07C789B8CF7E8),
    ],
)
def test_marvin(data: str, halves: int) -> None:
    assert marvin32(bytes.fromhex(data), 0x004FB61A001BDBCC) == (halves >> 32) ^ (halves & 0xFFFFFFFF)


def test_the_key_in_nugets_own_tests() -> None:
    key = "a" * 52 + "JQQJ99ALN5Z0000LZENeS003NUGT3OrW"
    assert azure_annotated(key)
    assert not azure_annotated(key[:-1] + "X")


def test_the_secret_in_confluents_documentation() -> None:
    assert confluent("cfltT8d8RzkNseTMEDKcjNM1BZTFPHqRn/dQm9q7w6SjzZ12wZfwjaJdipHZtDjw")


@given(st.text("0123456789ABCDEFxyz_", max_size=40))
def test_a_token_cut_short_is_no_error(body: str) -> None:
    assert github(f"ghp_{body}") in (True, False)
    assert azure_identifiable(body) in (True, False)
