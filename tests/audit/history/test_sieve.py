"""What becomes a credential only by what changes around it is found in packs too: the deltas here change least."""

import base64
import bz2
import gzip
import json
import random
from itertools import pairwise
from pathlib import Path

import pytest

from seawall.audit.history import packed
from seawall.audit.history.packed import Pack
from seawall.audit.history.sieve import Sieve
from seawall.audit.secrets.deep import look
from seawall.audit.secrets.rules import Rule
from seawall.audit.secrets.scanner import Scanner
from tests.audit.history.changing import almost, difference, lines
from tests.audit.history.packing import BLOB, OFS_DELTA, Packed, make, named
from tests.audit.history.repository import github_token
from tests.audit.history.sieving import Told, scanner, sieved, told

SOURCE = random.Random(11)
TOKEN = github_token(SOURCE).encode()
PASSWORD = b"kY7rQ2pLz9"
BEFORE, AFTER = lines(SOURCE, 40), lines(SOURCE, 40)
RANDOM = SOURCE.randbytes(30000)
JWK = b'  "d": "RVlxshrhBaqy1qMQCwiIDw9CLbs2-5Szy21CT4E8qqU",\n'
MEMBERS = b"".join(b'  "member-%d": "%s",\n' % (number, b"v" * 40) for number in range(10))
HEADERS = b"".join(b"Header-%d: %s\n" % (number, b"v" * 150) for number in range(2)) + b"\n"


def keys(source: random.Random, count: int) -> bytes:
    body = b"".join(base64.b64encode(source.randbytes(48)) + b"\n" for _ in range(count))
    return b"-----BEGIN RSA PRIVATE KEY-----\n" + body + b"-----END RSA PRIVATE KEY-----\n"


def compressed(text: bytes) -> bytes:
    return base64.b64encode(gzip.compress(RANDOM + b"\n" + text + b"\n", mtime=0))


# Of neither does a part give the token away, without the word `base64` above.
FOLDED = b"".join(base64.b64encode(TOKEN)[at : at + 4] + b"\n" for at in range(0, 56, 4))
LONG = base64.b64encode(bz2.compress(RANDOM[:4000] + b"\n" + TOKEN + b"\n") + b"..").rstrip(b"=")


# What is in the base, what the change makes of it. Whatever stands around stays.
CHANGES: dict[str, tuple[bytes, bytes]] = {
    "a character of the token": (b"key = '" + TOKEN[:20] + b"-" + TOKEN[20:], b"key = '" + TOKEN),
    "a token's end": (TOKEN + b"-x\n", TOKEN + b"\n"),
    "two lines that were one word": (TOKEN[:20] + b"\n" + TOKEN[20:], TOKEN),
    "name and value in two lines": (
        b"- name: PASSWORD\n\n  value: " + PASSWORD,
        b"- name: PASSWORD\n  value: " + PASSWORD,
    ),
    "a value below its name": (
        b"- name: DB_PASSWORD\n  value: ''\n",
        b"- name: DB_PASSWORD\n  value: " + PASSWORD + b"\n",
    ),
    "a name above its value": (b"- name: PLACE\n  value: kY7rQ2pLz9\n", b"- name: DB_PASSWORD\n  value: kY7rQ2pLz9\n"),
    "SECRET_KEY over three lines": (
        b"SECRET_KEY = env(\n    'SECRET_KEY',\n    '')\n",
        b"SECRET_KEY = env(\n    'SECRET_KEY',\n    '8b7t&f-q7xkwo886v^o%mpz+om75w=bbr4qm-#w2=wxfogo4mv')\n",
    ),
    "the machine above a password": (
        b"engine api.corp.net\n  login deploy\n  password kY7rQ2pLz9\n",
        b"machine api.corp.net\n  login deploy\n  password kY7rQ2pLz9\n",
    ),
    "the password below a machine": (
        b"machine api.corp.net\n  login deploy\n  password $PASSWORD\n",
        b"machine api.corp.net\n  login deploy\n  password kY7rQ2pLz9\n",
    ),
    "a key's kind far above": (b"{\n" + MEMBERS + JWK, b'{\n  "kty": "EC",\n' + MEMBERS + JWK),
    "a key's kind far below": (b"{\n" + JWK + MEMBERS + b"}\n", b"{\n" + JWK + MEMBERS + b'  "kty": "EC"\n}\n'),
    "a private key's end": (keys(random.Random(1), 100).replace(b"--END", b"--ENT"), keys(random.Random(1), 100)),
    "a private key's middle": (
        keys(random.Random(1), 100)[:3000] + b"-" + keys(random.Random(1), 100)[3000:],
        keys(random.Random(1), 100),
    ),
    "a private key's first line": (keys(random.Random(1), 20)[1:], keys(random.Random(1), 20)),
    "a manifest's kind": (
        b"apiVersion: v1\ndata:\n"
        + b"".join(b"  a%d: 1\n" % each for each in range(30))
        + b"  main: dlQ5I2txMkx3eg==\nkind: Map\n",
        b"apiVersion: v1\ndata:\n"
        + b"".join(b"  a%d: 1\n" % each for each in range(30))
        + b"  main: dlQ5I2txMkx3eg==\nkind: Secret\n",
    ),
    "text below a word that announces it": (
        b"base64\n" + HEADERS + b" " * 5000 + b"!" + FOLDED,
        b"base64\n" + HEADERS + b" " * 5000 + FOLDED,
    ),
    "a long line below such a word": (
        b"base64\n" + HEADERS + LONG[:-9] + b"!" + LONG[-9:] + b"\n",
        b"base64\n" + HEADERS + LONG + b"\n",
    ),
    "a line below such a word": (b"base64\n" + HEADERS + b"!\n" + FOLDED, b"base64\n" + HEADERS + FOLDED),
    "a long way into base64": (b'x = "' + compressed(TOKEN[::-1]) + b'"', b'x = "' + compressed(TOKEN) + b'"'),
    "base64 from its beginning": (
        base64.encodebytes(b"nothing\n" * 99 + TOKEN[1:]),
        base64.encodebytes(b"nothing\n" * 99 + TOKEN),
    ),
    "hexadecimal": ((b"a" * 2000 + b" \n" + TOKEN[1:]).hex().encode(), (b"a" * 2000 + b" \n" + TOKEN).hex().encode()),
    "a long line, near": (b"a " * 20000 + TOKEN[1:] + b" b" * 20000, b"a " * 20000 + TOKEN + b" b" * 20000),
    "a private key in one long line": (
        keys(random.Random(2), 140).replace(b"--END", b"--ENT").hex().encode(),
        keys(random.Random(2), 140).hex().encode(),
    ),
}


def opened(folder: Path, objects: list[Packed]) -> Pack:
    make(folder, objects)
    library = packed._library()
    assert library is not None, "the library is to be built for these tests"
    return Pack(library, library.pack_open(bytes(folder / "p.pack"), bytes(folder / "p.idx")), "p.idx")


def chained(texts: list[bytes]) -> list[Packed]:
    """Each is a delta on the one before."""
    return [
        Packed(BLOB, texts[0]),
        *(Packed(OFS_DELTA, difference(base, text), back=1) for base, text in pairwise(texts)),
    ]


def seen_in(folder: Path, objects: list[Packed], rules: Scanner) -> list[Told]:
    """What a scan sees in each."""
    there = sieved(opened(folder, objects), rules)
    return [there.get(each.name.hex(), (set(), set())) for each in named(objects)]


def there_is(text: bytes, rules: Scanner) -> Told:
    gaps: list[str] = []
    return told(look(rules, text, gaps), gaps)


def looked_at(folder: Path, objects: list[Packed], rules: Scanner) -> list[bool]:
    """Which are inflated once more, to be looked at."""
    sieve, found = Sieve(pack := opened(folder, objects), rules), set[str]()
    for _, first, last in pack.parts():
        suspects = sieve.suspects(first, last)
        found |= {pack.name(number) for number, _ in sieve.contents(suspects)}
    return [each.name.hex() in found for each in named(objects)]


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("where", ["midst", "beginning", "end", "later"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_change(change: str, where: str, newline: bytes, tmp_path: Path) -> None:
    before, after = b"" if where == "beginning" else BEFORE, b"" if where == "end" else b"\n" + AFTER
    base, text = ((before + each + after).replace(b"\n", newline) for each in CHANGES[change])
    assert newline != b"\n" or look(scanner(), text, [])
    texts = [base, base + b"more\n", b"more\n" + text + b"more\n"] if where == "later" else [base, text]
    assert seen_in(tmp_path, chained(texts), scanner()) == [there_is(each, scanner()) for each in texts]


@pytest.mark.parametrize("seed", range(8))
def test_changes_at_random(seed: int, tmp_path: Path) -> None:
    objects, texts = [], []
    for base, text in almost(scanner(), random.Random(seed), 100):
        objects += [Packed(BLOB, base), Packed(OFS_DELTA, difference(base, text), back=1)]
        texts += [base, text]
    seen = seen_in(tmp_path, objects, scanner())
    assert [number for number, text in enumerate(texts) if seen[number] != there_is(text, scanner())] == []
    assert sum(looked_at(tmp_path, objects, scanner())[::2]) < 60, "much of what has nothing in it is not looked at"


def test_what_is_copied_goes_on(tmp_path: Path) -> None:
    """Through versions that each move, double or change something else; and no further than it is there."""
    text = BEFORE + b"key = '" + TOKEN + b"'\n" + AFTER
    gone = text.replace(b"key = '" + TOKEN + b"'\n", b"")
    versions = [text, b"more\n" + text, text + text, AFTER + text, gone, gone + b"more\n" * 20]
    assert looked_at(tmp_path, chained(versions), scanner()) == [True] * 4 + [False] * 2
    assert seen_in(tmp_path, chained(versions), scanner()) == [there_is(each, scanner()) for each in versions]


def test_very_many_in_one_text(tmp_path: Path) -> None:
    """More than are followed: what is made from it is looked at, whatever it is."""
    source = random.Random(13)
    text = b"".join(github_token(source).encode() + b"\n" for _ in range(2500)) + b"import base64\n" * 2500
    objects = chained([text, b"more\n" + text, text[:9000]])
    assert looked_at(tmp_path, objects, scanner()) == [True] * 3
    assert [len(found) for found, _ in seen_in(tmp_path, objects, scanner())] == [2500, 2500, 9000 // 41]


@pytest.mark.parametrize(
    "line",
    [
        b'SECRET_KEY = "8b7t&f-q7xkwo886v^o%mpz+om75w=bbr4qm-#w2=wxfogo4mv"',
        b'<add key="ApiKey" value="kq92mXv7TzLw83hRpB5d" /> api_key="kq92mXv7TzLw83hRpB5d"',
        b"machine api.corp.net login deploy password kY7rQ2pLz9 url=https://a:kY7rQ2pLz9@b.test",
    ],
)
def test_what_the_next_line_says_against_it(line: bytes, tmp_path: Path) -> None:
    """It counts for some rules and not for others that find something in the same line."""
    texts = [BEFORE + line + b"\n# nosec\n" + AFTER, BEFORE + line + b"\n# nose\n" + AFTER]
    seen = seen_in(tmp_path, chained(texts), scanner())
    assert seen == [there_is(each, scanner()) for each in texts]
    assert seen[0] != seen[1]


def test_little_is_looked_at(tmp_path: Path) -> None:
    """What is announced nowhere, what is judged to be none, what was none before."""
    text = b"import base64\n" + BEFORE + b"password = 'changeme'\nurl = 'https://a:b@c.test'\n" + AFTER
    versions = [text, text + b"more\n", text.replace(AFTER, AFTER[:-9]), b"more\n" + text]
    assert looked_at(tmp_path, chained(versions), scanner()) == [False] * 4


def test_what_cannot_be_looked_into_is_told(tmp_path: Path) -> None:
    """A zip that is encrypted, in base64 in the midst of a text."""
    head = b"PK\3\4" + bytes(26)
    locked = head + b"PK\1\2\x14\0\x14\0\1\0" + bytes(36) + b"PK\5\6" + bytes(4) + b"\1\0\1\0.\0\0\0\x1e\0\0\0\0\0"
    text = BEFORE + b'x = "' + base64.b64encode(locked) + b'"\n' + AFTER
    gap: Told = (set(), {"zip:  is encrypted in base64"})
    assert seen_in(tmp_path, chained([text, text + b"more\n"]), scanner()) == [gap, gap]


def _rule(pattern: str, **more: object) -> Rule:
    return Rule("r", "V", "D", pattern, keywords=("Z",), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rule", "base", "text"),
    [
        (_rule("^Z[0-9a-f]{8}$", boundary=False), b"xZ12345abc", b"Z12345abc"),
        (_rule("^Z[0-9a-f]{8}$", boundary=False), b"Z12345abc.", b"Z12345abc"),
        (_rule("Z[0-9a-f]{8}$", boundary=False), b"Z12345abc" + b" " * 600 + b"x", b"Z12345abc"),
    ],
)
@pytest.mark.parametrize("after", [b"", b"\n", b"\n" + AFTER])
def test_rules_of_others(rule: Rule, base: bytes, text: bytes, after: bytes, tmp_path: Path) -> None:
    """With a line's beginning and end in them."""
    rules = Scanner([rule], kept=False)
    assert rules.in_parts
    assert look(rules, BEFORE + text + after, [])
    texts = [BEFORE + base + after, BEFORE + text + after]
    assert seen_in(tmp_path, chained(texts), rules) == [there_is(each, rules) for each in texts]


@pytest.mark.parametrize(
    "rule",
    [
        _rule(r"\AZ[0-9a-f]{8}"),
        _rule(r"Z[0-9a-f]{8}\Z"),
        _rule(r"Z[^-]{500,900}Z", multiline=True),
        _rule(r"Z(?:\n[a-z]+){9}\nZ", lines=10),
    ],
)
def test_rules_that_ask_for_more_than_lines(rule: Rule) -> None:
    """Packs are not read by ourselves for them."""
    assert not Scanner([rule], kept=False).in_parts


def test_what_is_wrapped(tmp_path: Path) -> None:
    """Notebooks, gzip, compiled Python, files with NUL bytes: whole, whatever changes in them."""
    notebook = [
        json.dumps({"cells": [{"source": [f"k = '{TOKEN.decode()}'"]}], "n": number, "nbformat": 4}).encode()
        for number in (1, 2)
    ]
    pyc = [b"\xa7\r\r\n" + bytes(12) + b"\xfa\x28" + TOKEN + b"n" * number for number in (1, 2)]
    nul = [bytes(9) + BEFORE + TOKEN + b"\0" + b"n" * number for number in (1, 2)]
    zipped = [gzip.compress(TOKEN, mtime=number) for number in (1, 2)]
    for number, texts in enumerate((notebook, pyc, nul, zipped)):
        seen = seen_in(tmp_path / str(number), chained(texts), scanner())
        assert seen == [there_is(each, scanner()) for each in texts]
        assert all(found for found, _ in seen)
