"""What has the inner structure passes, what only looks like it does not."""

import base64
import json

import pytest

from seawall.audit.secrets.structures import STRUCTURES
from seawall.audit.secrets.structures_developer import DEVELOPER


def encoded(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


UUID = "3f2a9c1d-7b64-4e0f-9a8d-5c1e7f20b3d6"
PHRASE = "thunder garlic velvet oxygen maple harbor quantum pioneer salmon copper drift lunar"
PAYLOAD = {"u": "northwind", "a": "ckx"}
HAVE = [
    ("jwt", f"{encoded({'alg': 'HS256'})}.e30.c2ln"),
    ("grafana_key", encoded({"k": "s3cr", "n": "ci", "id": 1})),
    ("grafana_cloud", "glc_" + encoded({"o": "7", "n": "push", "k": "s3cr"})),
    ("mapbox", f"sk.{encoded(PAYLOAD)}.c2ln"),
    ("intercom", encoded(f"tok:{UUID.replace('-', '_')}:1:0") + "="),
    ("pubnub", "sec-c-" + encoded(UUID)),
    ("base64_uuid", encoded(UUID)),
    ("stripe", "sk_live_9aQzR4mVn7TtYw2LkPe8XsBd"),
    ("workos", "sk_live_" + encoded("key_01HQ,s3cr")),
    ("mixed_body", "re_Xk4"),
    ("letters_and_digits", "a1b2"),
    ("ethereum", "0xb3c1e2d4f5a69788796a5b4c3d2e1f0019283746556473829100aabbccddeeff"),
    ("mnemonic", PHRASE),
]
LACK = [
    ("jwt", f"{encoded({'typ': 'JWT'})}.e30.c2ln"),
    ("jwt", f"{encoded(['alg'])}.e30.c2ln"),
    ("jwt", "eyJ.e30.c2ln"),
    ("jwt", "eyé.e30.c2ln"),
    ("grafana_key", encoded({"k": "s3cr", "n": "ci"})),
    ("grafana_cloud", "glc_" + encoded({"k": "s3cr"})),
    ("mapbox", f"sk.{encoded({'a': 'ckx'})}.c2ln"),
    ("intercom", encoded(f"tok:{UUID}:1:0")),
    ("pubnub", "sec-c-" + encoded(UUID[:-1])),
    ("base64_uuid", encoded(UUID.replace("-", "_"))),
    ("stripe", "sk_live_5f0c2a9e7d1b48364c8fa0b1e2d3c4958677a9b0"),
    ("stripe", "sk_live_" + encoded("key_01HQ,s3cr")),
    ("stripe", "sk_live_" + 14 * "aQ4"),
    ("workos", "sk_live_" + encoded("no_01HQ,s3cr")),
    ("mixed_body", "re_compile"),
    ("mixed_body", "Q1_compile"),
    ("letters_and_digits", "abcdefgh1"),
    ("ethereum", "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"),
    ("mnemonic", 11 * "test " + "junk"),
    ("mnemonic", PHRASE + " puzzle"),
]


@pytest.mark.parametrize(("name", "token"), HAVE)
def test_has_the_structure(name: str, token: str) -> None:
    assert STRUCTURES[name](token)


@pytest.mark.parametrize(("name", "token"), LACK)
def test_lacks_the_structure(name: str, token: str) -> None:
    assert not STRUCTURES[name](token)


def test_every_structure_is_tested() -> None:
    assert {name for name, _ in HAVE} == {name for name, _ in LACK} == set(STRUCTURES) - set(DEVELOPER)
