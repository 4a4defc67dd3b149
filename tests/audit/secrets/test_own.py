"""A mistake in a user's own rules is told in words: which rule, and what is wrong with it."""

from pathlib import Path

import pytest

from seawall.audit.secrets.own import load_own
from seawall.errors import ConfigError

RULE = """[[rule]]
id = "shop-key"
vendor = "Shop"
description = "Key of the shop"
keywords = ["shopkey_"]
pattern = 'shopkey_[0-9a-f]{8}'
"""
GOOD = "shopkey_9f8e7d6c"


@pytest.mark.parametrize(
    ("positive", "negative", "problem"),
    [
        ("shopkey_short", "", "Rule shop-key does not find its example 'shopkey_short'."),
        (GOOD, GOOD[::-1] + GOOD, ""),
        (GOOD, "shopkey_0a1b2c3d", "Rule shop-key finds what it should not, its negative example 'shopkey_0a1b2c3d'."),
    ],
)
def test_an_example_that_fails(tmp_path: Path, positive: str, negative: str, problem: str) -> None:
    file = tmp_path / "own.toml"
    file.write_text(f"{RULE}positive = ['{positive}']\nnegative = ['{negative}']\n")
    if not problem:
        assert [rule.id for rule in load_own([file], ())[0]] == ["shop-key"]
        return
    with pytest.raises(ConfigError) as error:
        load_own([file], ())
    assert str(error.value).startswith(problem)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        load_own([tmp_path / "own.toml"], ())
    assert str(error.value).startswith(f"{tmp_path}/own.toml cannot be read: No such file or directory.")
