"""Hiding places inside a file that history holds: archives, encodings, compiled code, databases, notebooks."""

import base64
import bz2
import contextlib
import gzip
import io
import json
import lzma
import py_compile
import sqlite3
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from tests.audit.history.kinds import assignment, file_kind

FILLER = b"".join(b"%d: the engine weaves algebraic patterns\n" % number for number in range(40))


def zipped(**members: bytes) -> bytes:
    with io.BytesIO() as output:
        with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in members.items():
                archive.writestr(name, data)
        return output.getvalue()


def tarred(name: str, data: bytes, compression: str = "") -> bytes:
    with io.BytesIO() as output:
        with tarfile.open(fileobj=output, mode=f"w:{compression}") as archive:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        return output.getvalue()


# Archives


@file_kind("dist/backup.zip", "zip.*settings.py")
def zip_archive(secret: str) -> bytes:
    return zipped(**{"engine.py": FILLER, "conf/settings.py": FILLER + assignment(secret)})


@file_kind("dist/nested.zip", "zip.*backup.tar.gz", "tar.*settings.py", name="file: tar.gz in a zip")
def tar_in_zip(secret: str) -> bytes:
    return zipped(**{"backup.tar.gz": tarred("conf/settings.py", assignment(secret), "gz")})


@file_kind("dist/three.zip", "zip", "zip", "zip", name="file: zip in a zip in a zip")
def three_zips(secret: str) -> bytes:
    inner = zipped(**{"settings.py": assignment(secret)})
    return zipped(**{"outer.zip": zipped(**{"inner.zip": inner})})


@file_kind("dist/backup.tar", "tar.*settings.py", raw=True)
def tar_archive(secret: str) -> bytes:
    return tarred("conf/settings.py", assignment(secret))


@file_kind("dist/backup.tar.bz2", "(tar|bz).*", name="file: tar.bz2")
def tar_bzip2(secret: str) -> bytes:
    return tarred("conf/settings.py", FILLER + assignment(secret), "bz2")


@file_kind("logs/engine.log.gz", "gz")
def gzip_file(secret: str) -> bytes:
    return gzip.compress(FILLER + assignment(secret), mtime=0)


@file_kind("logs/engine.gz", "gz", name="file: gzip in two members")
def gzip_members(secret: str) -> bytes:
    return gzip.compress(FILLER, mtime=0) + gzip.compress(assignment(secret), mtime=0)


@file_kind("logs/engine.log.bz2", "bz")
def bzip2(secret: str) -> bytes:
    return bz2.compress(FILLER + assignment(secret))


@file_kind("logs/engine.log.xz", "xz|lzma")
def xz(secret: str) -> bytes:
    return lzma.compress(FILLER + assignment(secret))


@file_kind("uploads/backup", "zip", name="file: zip without the name of one")
def nameless_zip(secret: str) -> bytes:
    return zipped(**{"settings.py": FILLER + assignment(secret)})


@file_kind("dist/engine-1.0-py3-none-any.whl", "zip.*settings.py")
def wheel(secret: str) -> bytes:
    return zipped(**{"engine/settings.py": assignment(secret), "engine-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\n"})


@file_kind("lib/engine.jar", "zip.*application.properties")
def jar(secret: str) -> bytes:
    properties = f"github.token={secret}\n".encode()
    return zipped(**{"META-INF/MANIFEST.MF": b"Manifest-Version: 1.0\n", "application.properties": properties})


@file_kind("docs/handover.docx", "zip.*document.xml", name="file: Office document")
def office_document(secret: str) -> bytes:
    text = f"<w:document><w:body><w:p><w:r><w:t>{secret}</w:t></w:r></w:p></w:body></w:document>"
    return zipped(**{"[Content_Types].xml": b"<Types/>", "word/document.xml": text.encode()})


# Character sets


@file_kind("conf/bom-le.ini", "utf-?16", name="file: UTF-16 LE with a byte order mark")
def utf16_le_bom(secret: str) -> bytes:
    return b"\xff\xfe" + assignment(secret).decode().encode("utf-16-le")


@file_kind("conf/bom-be.ini", "utf-?16", name="file: UTF-16 BE with a byte order mark")
def utf16_be_bom(secret: str) -> bytes:
    return b"\xfe\xff" + assignment(secret).decode().encode("utf-16-be")


@file_kind("conf/le.ini", "utf-?16", name="file: UTF-16 LE without a mark")
def utf16_le(secret: str) -> bytes:
    return assignment(secret).decode().encode("utf-16-le")


@file_kind("conf/be.ini", "utf-?16", name="file: UTF-16 BE without a mark")
def utf16_be(secret: str) -> bytes:
    return assignment(secret).decode().encode("utf-16-be")


@file_kind("conf/latin.ini", name="file: Latin-1", raw=True)
def latin1(secret: str) -> bytes:
    return "# Schlüssel für den Prüfstand\n".encode("latin-1") + assignment(secret)


@file_kind("static/engine.min.js", name="file: one very long line", raw=True)
def long_line(secret: str) -> bytes:
    return b"var a=[" + b"1," * 300_000 + f'"{secret}"'.encode() + b",1" * 300_000 + b"];"


@file_kind("data/engine.bin", name="file: between bytes that are no text", raw=True)
def binary(secret: str) -> bytes:
    return bytes(range(256)) * 40 + b"\0" + secret.encode() + b"\0" + bytes(range(256)) * 40


# Base64


def base64_kind(
    name: str, path: str, *within: str, lead: bytes = b"", form: str = "plain", bonus: bool = False
) -> None:
    """Enters YAML with a base64 value; `lead` moves the secret to another alignment."""

    def contents(secret: str) -> bytes:
        data = lead + f"token={secret};".encode()
        if form == "utf-16":
            data = data.decode().encode("utf-16-le")
        elif form == "gzip":
            data = gzip.compress(data, mtime=0)
        elif form == "twice":
            data = base64.b64encode(data)
        text = base64.urlsafe_b64encode(data).rstrip(b"=") if form == "url" else base64.b64encode(data)
        if form == "lines":
            text = base64.encodebytes(FILLER[:101] + data + FILLER[:202]).replace(b"\n", b"\n    ")
        return b"kind: Secret\ndata:\n  config: |\n    " + text + b"\n"

    file_kind(path, *within, name=name, bonus=bonus)(contents)


for shift in range(3):
    base64_kind(f"file: base64, alignment {shift}", f"k8s/secret{shift}.yml", "base64", lead=b"x;;"[:shift])
base64_kind("file: base64 for URLs, without padding", "k8s/url.yml", "base64", lead=b"\xff\xfe~", form="url")
base64_kind("file: base64 in lines", "k8s/lines.yml", "base64", form="lines")
base64_kind("file: base64 of base64", "k8s/twice.yml", "base64", "base64", form="twice", bonus=True)
base64_kind("file: base64 of UTF-16", "k8s/powershell.yml", "base64", "utf-?16", form="utf-16")
base64_kind("file: base64 of gzip", "k8s/helm.yml", "base64", "gz", form="gzip")


# Compiled code and databases


@file_kind("engine/__pycache__/settings.cpython-311.pyc", raw=True, name="file: compiled Python")
def compiled(secret: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "settings.py")
        source.write_bytes(assignment(secret))
        return Path(py_compile.compile(str(source), str(source) + "c", dfile="settings.py", doraise=True)).read_bytes()


@contextlib.contextmanager
def database(*statements: str) -> Iterator[tuple[Path, sqlite3.Connection]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "db.sqlite3")
        connection = sqlite3.connect(path, isolation_level=None)
        for statement in ("PRAGMA secure_delete = OFF", *statements):
            connection.execute(statement)
        yield path, connection
        connection.close()


@file_kind("db/text.sqlite3", raw=True, name="file: SQLite, right after other text")
def sqlite_row(secret: str) -> bytes:
    with database("CREATE TABLE t (name TEXT, value TEXT, note TEXT)") as (path, connection):
        connection.execute("INSERT INTO t VALUES ('github_token', ?, 'ask Ada')", (secret,))
        return path.read_bytes()


@file_kind("db/deleted.sqlite3", raw=True, name="file: SQLite, a deleted row")
def sqlite_deleted(secret: str) -> bytes:
    with database("CREATE TABLE t (name TEXT, value TEXT)") as (path, connection):
        connection.executemany("INSERT INTO t VALUES ('token', ?)", [("first",), (secret,), ("last",)])
        connection.execute("DELETE FROM t WHERE value = ?", (secret,))
        return path.read_bytes()


@file_kind("db/index.sqlite3", raw=True, name="file: SQLite, in an index only")
def sqlite_index(secret: str) -> bytes:
    with database("CREATE TABLE t (value TEXT PRIMARY KEY, name TEXT) WITHOUT ROWID") as (path, connection):
        connection.execute("INSERT INTO t VALUES (?, 'github')", (secret,))
        return path.read_bytes()


@file_kind("db/db.sqlite3-wal", raw=True, name="file: SQLite's write-ahead log")
def sqlite_log(secret: str) -> bytes:
    with database("PRAGMA journal_mode = WAL", "CREATE TABLE t (value TEXT)") as (path, connection):
        connection.execute("INSERT INTO t VALUES (?)", (secret,))
        return Path(f"{path}-wal").read_bytes()


@file_kind("db/utf16.sqlite3", "utf-?16|sqlite", name="file: SQLite in UTF-16")
def sqlite_utf16(secret: str) -> bytes:
    with database("PRAGMA encoding = 'UTF-16le'", "CREATE TABLE t (value TEXT)") as (path, connection):
        connection.execute("INSERT INTO t VALUES (?)", (secret,))
        return path.read_bytes()


def notebook(source: str, output: str) -> bytes:
    outputs = [{"output_type": "stream", "name": "stdout", "text": [output]}]
    cell = {"cell_type": "code", "execution_count": 1, "metadata": {}, "source": [source], "outputs": outputs}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1).encode()


@file_kind("analysis/source.ipynb", raw=True)
def notebook_source(secret: str) -> bytes:
    return notebook(f'client = Client("{secret}")\n', "connected\n")


@file_kind("analysis/output.ipynb", raw=True)
def notebook_output(secret: str) -> bytes:
    return notebook("print(client.token)\n", f"{secret}\n")
