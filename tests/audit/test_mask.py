import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.audit.mask import HIDDEN, SHARE, SHORT, TAIL, mask, mask_line

SECRETS = st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="*"), min_size=1)
TEXT = st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="*"), max_size=60)


@pytest.mark.parametrize(
    ("secret", "masked"),
    [
        ("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", "ghp_***Lq17"),
        ("AKIAZQWBUTSOORI4A9SP", "AKIA***P"),
        ("sk_live_4eC39HqLyjWDarjtT1zdp7dcXyZwVu", "sk_live_***u"),
        ("postgres://ada:analytical-engine-1843@db.example.org/flights", "postgres://***ghts"),
        ("analytical-engine-1843", "***1843"),
        ("hunter2", "***"),
        ("fifteen letters", "***"),
        ("", "***"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----",
            "-----BEGIN RSA PRIVATE KEY-----***",
        ),
        (r"-----BEGIN PRIVATE KEY-----\nMIIEvQ\n", "-----BEGIN PRIVATE KEY-----***"),
        ("first line of something\nand a second line", "***"),
    ],
)
def test_masks(secret: str, masked: str) -> None:
    assert mask(secret) == masked


def test_a_rule_may_name_its_own_prefix() -> None:
    assert mask("acme-0123456789abcdefghijklmnop", ["acme-"]) == "acme-***op"
    assert mask("0123456789abcdefghijklmnop", ["acme-"]) == "***mnop"


@given(SECRETS, st.lists(TEXT, max_size=2))
def test_at_most_a_fourth_is_shown_and_nothing_of_a_short_secret(secret: str, prefixes: list[str]) -> None:
    prefix, _, tail = mask(secret, prefixes).partition(HIDDEN)
    assert secret.startswith(prefix)
    assert secret.endswith(tail)
    assert len(tail) <= TAIL
    assert len(prefix) + len(tail) <= len(secret) / SHARE
    assert len(secret) >= SHORT or not prefix + tail


@given(st.text(alphabet="abcdefgh0123456789", min_size=SHORT), TEXT, TEXT)
def test_a_masked_line_holds_no_long_part_of_the_secret(secret: str, before: str, after: str) -> None:
    around = re.sub("[a-h0-9]", "_", before), re.sub("[a-h0-9]", "_", after)
    masked = mask_line(f"{around[0]} {secret} {secret}{around[1]}", [secret])
    assert not any(secret[start : start + TAIL + 1] in masked for start in range(len(secret) - TAIL))


@given(st.lists(st.text(alphabet="ab", min_size=1, max_size=6), min_size=1, max_size=4), st.text(alphabet="ab"))
def test_no_secret_survives_where_several_overlap(secrets: list[str], line: str) -> None:
    masked = mask_line(line, secrets)
    assert not any(secret in masked for secret in secrets)


def test_all_secrets_of_a_line_are_masked() -> None:
    line = "    user=ada password=hunter2 token=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"
    masked = mask_line(line, ["hunter2", "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"])
    assert masked == "user=ada password=*** token=ghp_***Lq17"


def test_a_long_line_is_cut_around_the_secret() -> None:
    masked = mask_line("x" * 5000 + " hunter2 " + "y" * 5000, ["hunter2"], width=60)
    assert " *** " in masked
    assert masked[0] == masked[-1] == "…"
    assert len(masked) == 62
