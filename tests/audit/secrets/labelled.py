"""Labelled data: a tree of files as repositories have them, and which of their lines hold a credential."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.audit.secrets.values import VENDORS, Values
from tests.audit.secrets.words import FILLER, PLACEHOLDERS, WORDS

_LINES = tomllib.loads(Path(__file__).with_name("lines.toml").read_text())
PASSWORDS, TOKENS = _LINES["passwords"], _LINES["tokens"]
DECOYS = tomllib.loads(Path(__file__).with_name("decoys.toml").read_text())
_NAMES = {"dockerfile": "Dockerfile.{}", "env": "{}.env"}
_HASH_COMMENTS = {"py", "rb", "sh", "env", "yml", "ini", "toml", "tf", "dockerfile", "properties"}
_SLASH_COMMENTS = {"js", "java", "go", "php", "cs"}


@dataclass(frozen=True)
class Label:
    """A line of a file: with a credential, or with what resembles one."""

    file: str  # relative path
    line: int  # from 1
    secret: str  # empty: none


def write(folder: Path, *, seed: int = 1, files: int = 40) -> list[Label]:
    """Writes `files` files of each kind into `folder` and labels them; the same for the same seed."""
    values = Values(seed)
    labels: list[Label] = []
    for kind in DECOYS:
        for number in range(files):
            name = _NAMES.get(kind, "{}." + kind).format(f"{values.random.choice(WORDS)}{number}")
            labels += _write(folder, f"{kind}/{name}", _lines(kind, values))
    for name, text, secret in _whole_files(values, files):
        at = text.index(secret) if secret else 0
        line = text.count("\n", 0, at) + 1
        labels += _write(folder, name, [(each, "") for each in text.split("\n")], (line, secret))
    return labels


def _write(folder: Path, name: str, lines: list[tuple[str, str]], label: tuple[int, str] = (0, "")) -> list[Label]:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(text for text, _ in lines) + "\n")
    if label[0]:
        return [Label(name, *label)]
    labels, number = [], 0
    for text, secret in lines:
        number += 1 + text.count("\n")
        if secret != "-":
            labels.append(Label(name, number, secret))
    return labels


def _lines(kind: str, values: Values) -> list[tuple[str, str]]:
    """Some five credentials among twice as many decoys; "-" marks lines that are neither."""
    lines = [(_secret(kind, values)) for _ in range(values.random.randint(1, 4))]
    lines += [(_decoy(kind, values), "") for _ in range(values.random.randint(6, 10))]
    sign = "#" if kind in _HASH_COMMENTS else "//" if kind in _SLASH_COMMENTS else ""
    lines += [(_fill(text, values), "-") for text in FILLER.get(sign, [])]
    values.random.shuffle(lines)
    return lines


def _secret(kind: str, values: Values) -> tuple[str, str]:
    vendor = values.random.choice(list(VENDORS))
    password = kind not in TOKENS or values.random.random() < 0.6
    secret = values.password() if password else values.token(vendor)
    text = values.random.choice((PASSWORDS if password else TOKENS)[kind])
    if password and ("://" in text or kind in ("sh", "md")):
        secret = "".join(each for each in secret if each.isalnum() or each in "._-!") + "8k"
    user, host = (
        values.random.choice(["deploy", "app", "svc_shop", "root", "sa"]),
        f"db{values.random.randrange(9)}.corp-net.com",
    )
    return text.format(p=secret, t=secret, n=vendor, N=vendor.upper(), u=user, h=host), secret


def _decoy(kind: str, values: Values) -> str:
    return _fill(values.random.choice(DECOYS[kind]), values)


def _fill(text: str, values: Values) -> str:
    choose = values.random.choice
    return text.format(
        w=choose(WORDS),
        i=f"{choose(WORDS)}{choose(WORDS).title()}{choose(['', 'Id', 'Key', '2'])}",
        x=choose(PLACEHOLDERS),
        h="api.corp-net.com",
        uuid=values.uuid(),
        md5=values.digest("md5"),
        sha1=values.digest("sha1"),
        sha256=values.digest("sha256"),
        b64=values.base64(60),
        b64_64=values.base64(64),
        b64_44=values.base64(32),
        hex12=values.of("a-f0-9", 12),
        hex16=values.of("a-f0-9", 16),
    )


def _whole_files(values: Values, count: int) -> Iterator[tuple[str, str, str]]:
    """Files that are one credential, or one decoy: name, text, secret."""
    for number in range(count):
        for kind in ("RSA ", "", "OPENSSH ", "EC "):
            body = values.lines(400 if kind != "EC " else 120)
            begin = f"-----BEGIN {kind}PRIVATE KEY-----"
            yield (
                f"keys/{kind.strip().lower()}{number}.txt",
                f"{begin}\n{body}\n{begin.replace('BEGIN', 'END')}\n",
                begin,
            )
        password, plain = values.password(), values.machine()
        key = values.django_key()
        yield f"django/settings{number}.py", f'DEBUG = True\nSECRET_KEY = "{key}"\n', key
        hashed = values.hashed()
        yield (
            f"django/users{number}.json",
            f'[{{"model": "auth.user", "fields": {{\n  "password": "{hashed}"\n}}}}]\n',
            hashed,
        )
        token = values.jwt()
        yield f"http/call{number}.http", f"GET /v1/orders\nAccept: */*\nX-Session: {token}\n", token
        basic = values.encoded(f"ops:{plain}")
        yield f"http/basic{number}.http", f"GET /v1/stock\nAuthorization: Basic {basic}\n", basic
        data = values.encoded(plain)
        manifest = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: shop\ntype: Opaque\ndata:\n"
        yield f"k8s/secret{number}.yaml", f"{manifest}  main: {data}\n", data
        yield f"home{number}/.netrc", f"machine api.corp-net.com\n  login ops\n  password {plain}\n", plain
        yield f"home{number}/.pgpass", f"# shop\ndb.corp-net.com:5432:shop:app:{plain}\n", plain
        yield f"decoys/vault{number}.yml", "$ANSIBLE_VAULT;1.1;AES256\n" + values.of("0-9", 80), ""
        yield (
            f"decoys/public{number}.pem",
            f"-----BEGIN PUBLIC KEY-----\n{values.lines(90)}\n-----END PUBLIC KEY-----\n",
            "",
        )
        yield (
            f"decoys/cert{number}.crt",
            f"-----BEGIN CERTIFICATE-----\n{values.lines(700)}\n-----END CERTIFICATE-----\n",
            "",
        )
        yield f"decoys/key{number}.md", "-----BEGIN RSA PRIVATE KEY-----\n...\n-----END RSA PRIVATE KEY-----\n", ""
        yield f"decoys/id{number}.pub", f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA{values.base64(36)} ops@host\n", ""
        yield f"decoys/secret{number}.yaml", f"{manifest}  main: {values.encoded('changeme')}\n", ""
        yield f"decoys/{number}.netrc.md", f"machine example.com login user password {password[:0]}<password>\n", ""
        yield (
            f"decoys/locks{number}.json",
            "\n".join(f'"integrity": "sha512-{values.base64(64)}",' for _ in range(8)),
            "",
        )
