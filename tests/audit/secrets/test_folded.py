"""Base64 in folded lines, whose ends cut the forms of the rules' keywords."""

import base64
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from seawall.audit.history.wipe.clean import clean
from seawall.audit.history.wipe.literals import Literals
from seawall.audit.history.wipe.targets import Target
from seawall.audit.secrets.deep import look
from seawall.audit.secrets.ready import ready
from seawall.audit.secrets.rules import load
from seawall.audit.secrets.scanner import Scanner
from seawall.audit.secrets.unwrap import wrapped
from tests.audit.history.repository import github_token, new
from tests.audit.history.scan import FINDINGS, scan
from tests.patience import computed

AROUND: dict[str, Callable[[str], str]] = {
    "whole file": lambda text: f"{text}\n",
    "Windows": lambda text: text.replace("\n", "\r\n"),
    "mail": lambda text: f"From: a@b.test\nContent-Transfer-Encoding: base64\nX-A: b\n\n{text}\n\n--x--\n",
    "shell": lambda text: f"#!/bin/sh\nbase64 -d <<'EOF' > x\n{text}\nEOF\n",
    "YAML": lambda text: "a:\n  b: !!binary |\n    {}\nc: 1\n".format(text.replace("\n", "\n    ")),
    "Python": lambda text: f'x = 1\ndata = base64.b64decode("""\n{text}\n""")\n',
}
RULE = next(rule for rule in load()[0] if rule.id == "github-token")


def folded(text: str, width: int) -> str:
    letters = base64.b64encode(text.encode()).decode()
    return "\n".join(letters[at : at + width] for at in range(0, len(letters), width))


@pytest.mark.parametrize("around", AROUND.values(), ids=AROUND)
@pytest.mark.parametrize("width", [4, 8, 16, 64, 76])
def test_wherever_the_lines_end(width: int, around: Callable[[str], str]) -> None:
    source, scanner = random.Random(width), ready()
    for before in range(40):
        secret = github_token(source)
        data = around(folded(f"{'x' * before} {secret} and more", width)).encode()
        assert secret in [each.hit.secret for each in look(scanner, data, [])], data


def test_in_a_repository(tmp_path: Path) -> None:
    repo = new(tmp_path / "repo")
    (repo / "key.b64").write_text(folded(f"token: {github_token()}\n", 16) + "\n")
    found = scan(repo)
    assert (found.code, len(found.tokens)) == (FINDINGS, 1)
    assert found.tokens[0]["first"]["within"] == ["base64"]


@pytest.mark.parametrize("around", AROUND.values(), ids=AROUND)
@pytest.mark.parametrize("width", [8, 76])
def test_a_wipe_leaves_none_and_folds_as_before(width: int, around: Callable[[str], str]) -> None:
    secret = github_token()
    literals = Literals([Target(secret, RULE, 1)], Scanner([RULE]))
    for before in range(12):
        data = around(folded(f"{'x' * before} {secret} and more", width)).encode()
        cleaned = clean(literals, data)
        assert not look(literals, cleaned, [])
        assert list(map(len, cleaned.splitlines())) == list(map(len, data.splitlines())), cleaned


@pytest.mark.parametrize(
    "text", ["", "word\n", "two words\nhere\n", "words\nof no\n", "one\ntwo\n", "abcd\nabcde\nabcd\n"]
)
def test_other_text_is_not_unpacked(text: str) -> None:
    assert not wrapped(text.encode())


@pytest.mark.parametrize(
    "line", [b"base64 ", b"base64\n", b"base64\nabcd\n", b"abcdefgh\n", b"base64\n" + b"a" * 300 + b"\n"]
)
def test_hostile_text_takes_no_longer_than_its_length_allows(line: bytes) -> None:
    scanner = ready()
    short, long = (
        computed(lambda size=size: look(scanner, line * (size // len(line)), [])) for size in (1 << 15, 1 << 19)
    )
    assert long < 4 * 16 * short  # what grows with the square takes 256 times as long
