"""A scan that reads packs itself finds what one finds that asks git for everything: all places, and all gaps."""

import gzip
import io
import json
import random
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from seawall.audit.history import packed
from seawall.audit.history.scan import Scan, scan
from seawall.audit.secrets.ready import ready
from seawall.audit.secrets.rules import Rule
from seawall.audit.secrets.scanner import Scanner
from tests.audit.history.changing import around, changed, lines, planted
from tests.audit.history.packing import BLOB, OFS_DELTA, Packed, copy, delta, index, pack
from tests.audit.history.repository import PERSON, add, blob, commit, git, github_token, new, put
from tests.audit.history.sieving import deltas, differing, scanner

MAIN = "refs/heads/main"
Files = dict[str, bytes]


def written(path: Path, versions: Sequence[Files], messages: Sequence[bytes] = ()) -> Path:
    """A repository with a commit for each of `versions`, in one pack with deltas."""
    repo, commits = new(path), []
    for number, files in enumerate(versions):
        changes = [put(name, data) for name, data in files.items()]
        message = messages[number] if messages else b"Work %d" % number
        commits.append(commit(MAIN, *changes, message=message, **({"parents": ()} if number else {})))
    add(repo, *commits)
    git(repo, "reset", "-q", "--hard")
    git(repo, "repack", "-q", "-adf", "--depth=50", "--window=10")
    return repo


def said(result: Scan) -> dict[str, Any]:
    """All that counts of a scan."""
    found = {
        (each.rule.id, each.secret): (each.sureness, each.in_tip, each.sighting.excerpt, tuple(each.places))
        for each in result.credentials
    }
    return {"found": found, "gaps": sorted(map(str, result.gaps)), "commits": result.commits}


def same(repo: Path, monkeypatch: pytest.MonkeyPatch, rules: Scanner | None = None, processes: int = 1) -> Scan:
    """Scans with the library and without, and compares."""
    rules = rules or scanner()
    assert packed._library() is not None, "the library is to be built for these tests"
    with_it = scan(repo, rules, processes)
    with monkeypatch.context() as patch:
        patch.setattr(packed, "_library", lambda: None)
        without = scan(repo, rules, processes)
    assert said(with_it) == said(without)
    return with_it


def history(source: random.Random, count: int) -> list[Files]:
    """Some files, each changed a little from version to version; credentials come, go, move and are almost there."""
    files = {f"{number}.txt": lines(source, source.randrange(20, 80)) for number in range(4)}
    versions = []
    for _ in range(count):
        name = source.choice(list(files))
        text = files[name]
        if source.random() < 0.25:
            before, credential, after = around(planted(scanner(), source), source)
            at = text.find(b"\n", source.randrange(len(text))) + 1
            text = text[:at] + before[-200:] + credential + after[:200] + text[at:]
        for _ in range(source.choice((1, 2, 5))):
            text = changed(text, 0, len(text), source) or b"\n"
        if source.random() < 0.1:  # some lines move, or stand twice
            at, length = source.randrange(len(text)), source.randrange(2000)
            moved, rest = text[at : at + length], text if source.random() < 0.5 else text[:at] + text[at + length :]
            text = moved + rest
        files[name] = text
        versions.append(dict(files))
    return versions


@pytest.mark.parametrize("seed", range(4))
def test_histories_at_random(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = written(tmp_path / "repo", history(random.Random(seed), 80))
    assert deltas(repo) > 20
    assert same(repo, monkeypatch).credentials
    assert differing(repo, scanner()) == {}


def test_docstrings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether a line stands in one is decided by lines that a difference need not hold."""
    around = b"".join(b"    value_%d = %d\n" % (each, each) for each in range(200))
    body = b"def connect():\n    %s\n" + around + b"    password = 'Zq8vN2xKw7Rb4'\n    %s\n" + around
    versions: list[Files] = [{"a.py": body % (quotes, quotes)} for quotes in (b"pass", b'"""', b"pass", b"'''")]
    repo = written(tmp_path / "repo", versions)
    assert deltas(repo) >= 3
    rules = ready()
    (found,) = same(repo, monkeypatch, rules).credentials
    assert [place.docstring for place in found.places] == [False, True, False, True]


def _zip(text: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.txt", text)
    return file.getvalue()


def _notebook(text: bytes) -> bytes:
    return json.dumps({"cells": [{"source": text.decode().splitlines(True)}], "nbformat": 4}).encode()


def _pyc(text: bytes) -> bytes:
    return b"\xa7\r\r\n" + bytes(12) + b"s" + len(text).to_bytes(4, "little") + text


FORMS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "CRLF": lambda text: text.replace(b"\n", b"\r\n"),
    "no newline at the end": lambda text: text.rstrip(b"\n"),
    "NUL bytes": lambda text: text.replace(b"engine", b"engine\0"),
    "UTF-16": lambda text: text.decode().encode("utf-16"),
    "UTF-16 without a mark, later": lambda text: b"\n" * 99 + text.decode().encode("utf-16-le"),
    "gzip": lambda text: gzip.compress(text, 0, mtime=0),
    "zip": _zip,
    "notebook": _notebook,
    "pyc": _pyc,
    "one long line": lambda text: text.replace(b"\n", b"\\n") * 3,
}


def test_forms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The token comes, stays while other lines change, and goes: in every form a file may have."""
    source = random.Random(3)
    token, text = f"key = '{github_token(source)}'\n".encode(), b"the engine\n" + lines(source, 400)
    last = b"the loom\n" + text
    texts = [text, text[:4000] + token + text[4000:], text[:4000] + token + last[4000:], last, last + token, b""]
    versions = [{name: form(each) for name, form in FORMS.items()} for each in texts]
    repo = written(tmp_path / "repo", versions)
    assert deltas(repo) > 20
    assert differing(repo, scanner()) == {}
    (found,) = same(repo, monkeypatch).credentials
    assert {place.path for place in found.places} == set(FORMS)


def test_messages_tags_and_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not only files: what git made deltas of among commits and tags; and by two processes."""
    source = random.Random(4)
    body = lines(source, 60)
    messages = [
        body + b"%d\n" % number + (github_token(source).encode() if number % 7 == 3 else b"") for number in range(40)
    ]
    repo = written(tmp_path / "repo", [{"a": b"%d" % number} for number in range(40)], messages)
    for number in range(4):
        git(repo, "tag", f"t{number}", "-m", f"{body.decode()}{number}\n{github_token(source)}")
    git(repo, "repack", "-q", "-adf", "--depth=50", "--window=50")
    assert len(same(repo, monkeypatch, processes=2).credentials) == 10


@pytest.mark.parametrize("pattern", [r"^Z-[0-9a-f]{8}$", r"\AZ-[0-9a-f]{8}", r"Z-[0-9a-f]{8}(?:\n|$)"])
def test_rules_of_others(pattern: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = Rule("z", "Z", "Of others", pattern, keywords=("Z-",), boundary=False)
    text = lines(random.Random(6), 200)
    key = b"Z-12ab9f07"
    texts = [
        key + b"\n" + text,
        b"x" + key + b"\n" + text,
        text + key,
        text + key + b"x\n",
        text[:3000] + b"\n" + key + b"\n" + text[3000:],
        key,
    ]
    repo = written(tmp_path / "repo", [{"a": each} for each in texts])
    assert deltas(repo) > 2
    assert same(repo, monkeypatch, Scanner([rule], kept=False)).credentials


def test_what_stands_twice_and_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In two packs, loose as well, in a pack with nothing else, unreachable, and in a pack that is empty."""
    source = random.Random(8)
    text, token = lines(source, 300), f"key = '{github_token(source)}'\n".encode()
    repo = written(tmp_path / "repo", [{"a": text + b"%d\n" % number + token} for number in range(5)])
    folder = repo / ".git" / "objects" / "pack"
    (first,) = folder.glob("*.pack")
    again = git(
        repo, "pack-objects", "-q", str(folder / "pack"), data=git(repo, "rev-parse", "main:a", "main~1:a").encode()
    )
    assert again not in first.name
    blob(repo, text + b"loose\n" + token)
    git(repo, "pack-objects", "-q", str(folder / "pack"), data=git(repo, "rev-parse", "main:").encode())
    git(repo, "pack-objects", "-q", str(folder / "pack"), data=b"")
    data, _ = pack([])
    (folder / "pack-empty.pack").write_bytes(data)
    (folder / "pack-empty.idx").write_bytes(index([], [], data[-20:]))
    (found,) = same(repo, monkeypatch).credentials
    assert "unreachable object" in {place.kind for place in found.places}


def test_damaged_deltas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be read is told of either way, and the rest is found."""
    source = random.Random(9)
    text, token = lines(source, 300), f"key = '{github_token(source)}'\n".encode()
    repo = written(tmp_path / "repo", [{"a": text}])
    objects = [Packed(BLOB, text + token), Packed(OFS_DELTA, delta(len(text + token), 40, copy(0, 50)), back=1)]
    data, offsets = pack(objects)
    folder = repo / ".git" / "objects" / "pack"
    (folder / "pack-odd.pack").write_bytes(data)
    names = [bytes.fromhex(git(repo, "hash-object", "--stdin", data=each)) for each in (text + token, text[:40])]
    (folder / "pack-odd.idx").write_bytes(index(names, offsets, data[-20:]))
    result = same(repo, monkeypatch)
    assert len(result.credentials) == 1
    assert result.gaps


def test_very_large_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Larger than the library takes, and what is made from them."""
    large = b"the engine weaves algebraic patterns just as the loom weaves flowers\n" * 490_000
    assert len(large) > 32 << 20
    token = github_token(random.Random(2)).encode()
    repo = new(tmp_path / "repo")
    git(repo, "config", "core.bigFileThreshold", "100m")
    versions = [commit(MAIN, put("a", large)), commit(MAIN, put("a", large[:1000] + token + large[1000:]), parents=())]
    add(repo, *versions, commit(MAIN, put("a", large[:9999] + token), parents=(), author=PERSON))
    git(repo, "-c", "pack.compression=1", "repack", "-q", "-adf", "--window=2")
    assert deltas(repo) > 0
    (found,) = same(repo, monkeypatch).credentials
    assert len(found.places) == 2
