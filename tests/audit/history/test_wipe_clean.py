"""Wrapped content comes back as it was but for the secret, and still opens."""

import base64
import bz2
import gzip
import io
import json
import lzma
import sqlite3
import tarfile
import textwrap
import zipfile

import pytest

from seawall.audit.history.wipe.clean import REMOVED, clean
from seawall.audit.history.wipe.literals import Literals
from seawall.audit.history.wipe.targets import targets
from seawall.audit.secrets.deep import look
from seawall.audit.secrets.rules import Rule
from seawall.audit.secrets.scanner import Scanner

SECRET = "tok_Zq8vN2xKw7Rb4Lm1Hc9Ty6Pd"
TEXT = f"first line\ntoken = {SECRET}\nlast line\n".encode()
RULE = Rule("made-up", "Nobody", "Made-up token", "", ("tok_",))


@pytest.fixture(scope="module")
def literals() -> Literals:
    return Literals(targets([(SECRET, RULE)]), Scanner([]))


def cleaned(literals: Literals, data: bytes) -> bytes:
    assert look(literals, data, []), "the test's own content must hold it"
    new = clean(literals, data)
    assert new != REMOVED
    assert not look(literals, new, [])
    return new


@pytest.fixture(scope="module")
def want(literals: Literals) -> bytes:
    new = clean(literals, TEXT)
    assert len(new) == len(TEXT)
    assert new.startswith(b"first line\ntoken = xxx")
    assert new.endswith(b"\nlast line\n")
    return new


@pytest.mark.parametrize("module", [gzip, bz2, lzma])
def test_compressed(module: type, literals: Literals, want: bytes) -> None:
    assert module.decompress(cleaned(literals, module.compress(TEXT))) == want


def test_gzip_in_two_members(literals: Literals, want: bytes) -> None:
    assert gzip.decompress(cleaned(literals, gzip.compress(TEXT) + gzip.compress(b"more\n"))) == want + b"more\n"


def test_zip(literals: Literals, want: bytes) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("plain.txt", "nothing\n")
        archive.writestr(zipfile.ZipInfo("conf/a.txt", (2020, 2, 2, 2, 2, 2)), TEXT)
        archive.writestr("inner.gz", gzip.compress(TEXT))
    with zipfile.ZipFile(io.BytesIO(cleaned(literals, file.getvalue()))) as archive:
        assert archive.namelist() == ["plain.txt", "conf/a.txt", "inner.gz"]
        assert archive.testzip() is None
        assert archive.read("plain.txt") == b"nothing\n"
        assert archive.read("conf/a.txt") == want
        assert archive.getinfo("conf/a.txt").date_time == (2020, 2, 2, 2, 2, 2)
        assert gzip.decompress(archive.read("inner.gz")) == want


@pytest.mark.parametrize("kind", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_tar(kind: int, literals: Literals, want: bytes) -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=kind) as archive:
        info = tarfile.TarInfo("conf/a.txt")
        info.size, info.mode, info.uname = len(TEXT), 0o640, "ada"
        archive.addfile(info, io.BytesIO(TEXT))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, f"to/{SECRET}"
        archive.addfile(link)
    with tarfile.open(fileobj=io.BytesIO(cleaned(literals, file.getvalue()))) as archive:
        member, link = archive.getmembers()
        assert (member.name, member.mode, member.uname) == ("conf/a.txt", 0o640, "ada")
        assert archive.extractfile(member).read() == want  # type: ignore[union-attr]
        assert link.linkname.startswith("to/xxx")


def test_sqlite_stays_consistent(literals: Literals) -> None:
    connection = sqlite3.connect(":memory:")
    connection.executescript(
        "PRAGMA user_version = 7; CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT UNIQUE, n BLOB);CREATE INDEX i ON t(v)"
    )
    rows = [(1, "aaa", b"\0\1"), (2, SECRET, SECRET.encode()), (3, "zzz", None)]
    connection.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
    connection.execute("DELETE FROM t WHERE id = 3")
    connection.commit()
    other = sqlite3.connect(":memory:")
    other.deserialize(cleaned(literals, connection.serialize()))
    assert other.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert other.execute("PRAGMA user_version").fetchone() == (7,)
    (first, second) = other.execute("SELECT id, v, n FROM t ORDER BY id").fetchall()
    assert first == rows[0]
    assert second[1].startswith("xxx")
    assert second[2] == second[1].encode()


@pytest.mark.parametrize("width", [0, 76, 64])
@pytest.mark.parametrize("before", range(3))
def test_base64_in_place(width: int, before: int, literals: Literals, want: bytes) -> None:
    plain = b"a" * before + TEXT
    text = base64.b64encode(plain).decode()
    folded = "\n".join(textwrap.wrap(text, width)) if width else text
    new = cleaned(literals, f"data: |\n{folded}\nend\n".encode()).decode()
    assert len(new) == len(f"data: |\n{folded}\nend\n")
    inside = new.removeprefix("data: |\n").removesuffix("\nend\n")
    assert [len(line) for line in inside.split("\n")] == [len(line) for line in folded.split("\n")]
    assert base64.b64decode(inside) == b"a" * before + want


def test_hexadecimal_keeps_its_case(literals: Literals, want: bytes) -> None:
    assert cleaned(literals, TEXT.hex().upper().encode()) == want.hex().upper().encode()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_two_bytes_a_character(encoding: str, literals: Literals, want: bytes) -> None:
    text = TEXT.decode() + "ä€"
    assert cleaned(literals, text.encode(encoding)).decode(encoding) == want.decode() + "ä€"


def test_notebook(literals: Literals) -> None:
    source = ["import os\n", f"t = '{SECRET}'\n", "print('ä')"]
    whole = {"cells": [{"cell_type": "code", "source": source}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    new = json.loads(cleaned(literals, json.dumps(whole, indent=1).encode()))
    lines = new["cells"][0]["source"]
    assert lines[0] == source[0]
    assert lines[1].startswith("t = 'xxx")
    assert lines[2] == source[2]
    assert new["nbformat"] == 4


def test_what_cannot_be_cut_out_is_removed(literals: Literals) -> None:
    """base64 of a zip has another length afterwards: its letters are zeros."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", TEXT * 9)
    text = b"before\n" + base64.b64encode(file.getvalue()) + b"\nafter\n"
    new = clean(literals, text)
    assert not look(literals, new, [])
    assert new.startswith(b"before\n") or new == REMOVED


def test_a_key_over_many_lines_keeps_its_lines() -> None:
    key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----"
    literals = Literals(targets([(key, RULE)]), Scanner([]))
    new = clean(literals, f"a\n{key}\nb\n".encode())
    assert new.count(b"\n") == key.count("\n") + 3
    assert b"MIIE" not in new
    escaped = json.dumps({"private_key": key})
    assert b"MIIE" not in clean(literals, escaped.encode())
    assert json.loads(clean(literals, escaped.encode()))["private_key"].startswith("xxx")
