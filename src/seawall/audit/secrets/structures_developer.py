"""Inner structures of tokens for development tools and clouds: what does not have them is no credential."""

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any

_ACCOUNTS = 10**12  # AWS account numbers have twelve digits


def github_app_jwt(token: str) -> bool:
    """`ghs_<app>_<JWT>`: the JWT's header is a JSON object with `alg`.

    Source: GitHub's changelog, "Notice about upcoming new format for GitHub App installation tokens", 2026.
    """
    return "alg" in _object(token.split("_", 2)[2].split(".", 1)[0])


def basic_auth(token: str) -> bool:
    """Base64 of `user:password`, both printable (RFC 7617)."""
    user, colon, password = _decoded(token).partition(b":")
    return (
        bool(user and colon and password) and (user + password).isascii() and (user + password).decode().isprintable()
    )


def macaroon(token: str) -> bool:
    """`pypi-…`: a macaroon of version 2 up to its end, with a signature of 32 bytes.

    Source: PyPI's help page on API tokens; libmacaroons, "doc/format.txt": each field is a type, a length and bytes.
    """
    data = _decoded(token.split("-", 1)[1])
    if data[:1] != b"\x02":
        return False
    at, kind, size = 1, -1, 0
    while at < len(data):
        kind, size, at = data[at], 0, at + 1
        if kind:
            size, at = _varint(data, at)
            at += size
    return at == len(data) and (kind, size) == (6, 32)


def jfrog_reference(token: str) -> bool:
    """Base64 of `reftkn:01:<expiry>:<random>`. Source: JFrog's documentation on reference tokens."""
    return _decoded(token).startswith(b"reftkn:")


def onepassword(token: str) -> bool:
    """`ops_` and base64 of a JSON object that names the account. Source: 1Password's service account documentation."""
    return "signInAddress" in _object(token.removeprefix("ops_"))


def sentry(token: str) -> bool:
    """`sntrys_<payload>_<secret>`: the payload is base64 of a JSON object with `iat` and `org`.

    Source: Sentry's RFC 91, "CI upload tokens".
    """
    payload = _object(token.removeprefix("sntrys_").split("_", 1)[0])
    return "iat" in payload and "org" in payload


def aws_key_id(token: str) -> bool:
    """Base32; since 2019 bits 1 to 40 are the account's number, earlier ones go on with I or J.

    Other kinds than AKIA need a digit: ASIAPACIFICSOUTHEAST is none. Source: AWS IAM's "Unique identifiers"
    and "sts get-access-key-info"; T. Be'ery, "A short note on AWS KEY ID", 2023, for the encoding.
    """
    if not token.startswith("AKIA") and token.isalpha():
        return False
    number = int.from_bytes(base64.b32decode(token[4:])[:6], "big")
    return token[4] in "IJ" or number >> 7 & (1 << 40) - 1 < _ACCOUNTS


def cloudflare_tunnel(token: str) -> bool:
    """Base64 of a JSON object with account, tunnel and secret. Source: cloudflared's `connection.TunnelToken`."""
    return {"a", "t", "s"} <= set(_object(token))


def mixed(token: str) -> bool:
    """Small and capital letters and digits: no hash, no UUID, no words."""
    return any(map(str.islower, token)) and any(map(str.isupper, token)) and any(map(str.isdigit, token))


def alphanumeric(token: str) -> bool:
    """Letters and digits: no words."""
    return any(map(str.isalpha, token)) and any(map(str.isdigit, token))


def _decoded(text: str) -> bytes:
    try:
        text = text.rstrip("=").replace("-", "+").replace("_", "/")
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        return b""


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(_decoded(text))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, least significant first, and where it ends."""
    number = shift = 0
    while at < len(data):
        number |= (data[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 0x80:
            break
    return number, at


DEVELOPER: dict[str, Callable[[str], bool]] = {
    "alphanumeric": alphanumeric,
    "aws_key_id": aws_key_id,
    "basic_auth": basic_auth,
    "cloudflare_tunnel": cloudflare_tunnel,
    "github_app_jwt": github_app_jwt,
    "jfrog_reference": jfrog_reference,
    "macaroon": macaroon,
    "mixed": mixed,
    "onepassword": onepassword,
    "sentry": sentry,
}
