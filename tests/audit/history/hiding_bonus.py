"""Files whose secrets a scanner may find, and need not: what each does is recorded."""

import gzip
import html
import json
import lzma
import subprocess
import tempfile
import zlib
from pathlib import Path

from tests.audit.history.hiding_files import FILLER, notebook, zipped
from tests.audit.history.kinds import assignment, file_kind
from tests.audit.history.repository import add, commit, environment, git, put


@file_kind("conf/escapes.json", bonus=True, name="file: JSON with escapes")
def json_escapes(secret: str) -> bytes:
    return json.dumps({"token": secret}).replace("_", "\\u005f").encode()


@file_kind("conf/callback.url", bonus=True)
def url_encoded(secret: str) -> bytes:
    return f"https://ci.analytical.test/hook?token={secret.replace('_', '%5F')}&branch=main\n".encode()


@file_kind("docs/entities.html", bonus=True, name="file: HTML entities")
def html_entities(secret: str) -> bytes:
    return f"<code>{html.escape(secret).replace('_', '&#95;')}</code>\n".encode()


@file_kind("conf/key.hex", bonus=True)
def hexadecimal(secret: str) -> bytes:
    return f"token = {secret.encode().hex()}\n".encode()


@file_kind("mail/outbox.mbox", bonus=True, name="file: quoted-printable mail")
def quoted_printable(secret: str) -> bytes:
    head = "From ada Mon Nov 20 10:00:00 2023\nContent-Transfer-Encoding: quoted-printable\n\n"
    return f"{head}The token is {secret[:20]}=\n{secret[20:]}\n".encode()


@file_kind("patches/0001-key.patch", bonus=True, raw=True)
def patch(secret: str) -> bytes:
    return f'--- a/settings.py\n+++ b/settings.py\n@@ -1 +1 @@\n-TOKEN = "{secret}"\n+TOKEN = ""\n'.encode()


@file_kind("conf/utf32.ini", bonus=True, name="file: UTF-32")
def utf32(secret: str) -> bytes:
    return assignment(secret).decode().encode("utf-32")


@file_kind("engine/joined.py", bonus=True, name="file: two strings that Python joins")
def joined(secret: str) -> bytes:
    return f'TOKEN = (\n    "{secret[:20]}"\n    "{secret[20:]}"\n)\n'.encode()


@file_kind("firmware/engine.img", bonus=True, name="file: gzip in the middle of it")
def embedded_gzip(secret: str) -> bytes:
    return bytes(range(256)) * 8 + gzip.compress(FILLER + assignment(secret), mtime=0) + bytes(range(256)) * 8


@file_kind("logs/engine.log.lzma", bonus=True, name="file: lzma in its old form")
def old_lzma(secret: str) -> bytes:
    return lzma.compress(FILLER + assignment(secret), format=lzma.FORMAT_ALONE)


@file_kind("docs/handover.pdf", bonus=True, name="file: PDF with a compressed stream")
def pdf(secret: str) -> bytes:
    stream = zlib.compress(f"BT /F1 12 Tf 72 720 Td ({secret}) Tj ET".encode())
    head = f"%PDF-1.4\n4 0 obj\n<< /Length {len(stream)} /Filter /FlateDecode >>\nstream\n".encode()
    return head + stream + b"\nendstream\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"


def chunk(kind: bytes, data: bytes) -> bytes:
    """One of a PNG, see its specification, 5.3."""
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


def png(*chunks: bytes) -> bytes:
    head = chunk(b"IHDR", (1).to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0]))
    body = chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + body


@file_kind("docs/plain.png", bonus=True, raw=True, name="file: PNG with a comment")
def png_text(secret: str) -> bytes:
    return png(chunk(b"tEXt", b"Comment\0" + secret.encode()))


@file_kind("docs/packed.png", bonus=True, name="file: PNG with a compressed comment")
def png_packed_text(secret: str) -> bytes:
    return png(chunk(b"zTXt", b"Comment\0\0" + zlib.compress(secret.encode())))


@file_kind("dist/names.zip", bonus=True, raw=True, name="file: a name in a zip")
def name_in_zip(secret: str) -> bytes:
    return zipped(**{f"keys/{secret}": b"Its own name is the key.\n"})


@file_kind("analysis/nested.ipynb", bonus=True, name="file: notebook, JSON in an output")
def notebook_json(secret: str) -> bytes:
    return notebook("client.dump()\n", json.dumps({"token": secret}).replace("ghp_", "ghp\\u005f"))


@file_kind("dist/engine.bundle", bonus=True, name="file: git bundle")
def bundle(secret: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        repo = Path(folder)
        git(repo, "init", "-q", "--bare")
        add(repo, commit("refs/heads/main", put("settings.py", assignment(secret)), parents=()))
        command = ["git", "-C", folder, "bundle", "create", "-q", "-", "--all"]
        return subprocess.run(command, check=True, capture_output=True, env=environment()).stdout
