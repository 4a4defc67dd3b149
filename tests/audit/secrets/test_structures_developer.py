"""Inner structures: what has them, and what only begins like it."""

import base64
import json

import pytest

from seawall.audit.secrets.structures import STRUCTURES


def encoded(value: object) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.b64encode(data).decode()


def macaroon(*fields: tuple[int, bytes]) -> str:
    body = b"".join(bytes([kind, len(data)]) + data if kind else b"\0" for kind, data in fields)
    return "pypi-" + base64.urlsafe_b64encode(b"\x02" + body).decode().rstrip("=")


START = ((1, b"host"), (2, b"identifier"), (0, b""), (2, b"caveat"), (0, b""), (0, b""))


@pytest.mark.parametrize(
    ("structure", "token", "holds"),
    [
        ("macaroon", macaroon(*START, (6, bytes(32))), True),
        ("macaroon", macaroon(*START, (6, bytes(31))), False),
        ("macaroon", macaroon(*START), False),
        ("macaroon", "pypi-AgEIcHlwaS5vcmcCJ" + "x" * 60, False),
        ("basic_auth", encoded(b"deploy:s3cret"), True),
        ("basic_auth", encoded(b"deploy"), False),
        ("basic_auth", encoded(b"deploy:\xff\xfe"), False),
        ("jfrog_reference", encoded(b"reftkn:01:1790000000:abc"), True),
        ("jfrog_reference", encoded(b"something else"), False),
        ("sentry", f"sntrys_{encoded({'iat': 1.5, 'org': 'acme'})}_secret", True),
        ("sentry", f"sntrys_{encoded({'url': 'acme'})}_secret", False),
        ("onepassword", f"ops_{encoded({'signInAddress': 'acme.1password.com'})}", True),
        ("onepassword", f"ops_{encoded(['signInAddress'])}", False),
        ("cloudflare_tunnel", encoded({"a": "1", "t": "2", "s": "3"}), True),
        ("cloudflare_tunnel", encoded({"a": "1"}), False),
        ("github_app_jwt", f"ghs_123_{encoded({'alg': 'ES256'})}.e30.c2ln", True),
        ("github_app_jwt", f"ghs_123_{encoded({'typ': 'JWT'})}.e30.c2ln", False),
        ("aws_key_id", "AKIA" + base64.b32encode((123456789012 << 7).to_bytes(6, "big") + bytes(4)).decode(), True),
        ("aws_key_id", "AKIA7777777777777777", False),  # an account with more than twelve digits
        ("aws_key_id", "ASIAPACIFICSOUTHEAST", False),
        ("mixed", "aB3", True),
        ("mixed", "getTokenFromVault", False),
        ("alphanumeric", "token1", True),
        ("alphanumeric", "get_token_from_vault", False),
    ],
)
def test_structure(structure: str, token: str, holds: bool) -> None:
    assert STRUCTURES[structure](token) is holds
