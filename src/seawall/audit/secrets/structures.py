"""Formats with an inner structure that a pattern cannot express: what does not have it is no credential."""

import base64
import binascii
import json
import re
from collections.abc import Callable
from typing import Any

from seawall.audit.secrets import late
from seawall.audit.secrets.structures_developer import DEVELOPER

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Published with Hardhat, Anvil and Ganache: anybody's, worth nothing.
_DEVELOPMENT_KEYS = (
    "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    "5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
    "4f3edf983ac636a65a842ce7c78d9aa706d3b113bce9c46f30d7d21715b23b1d",
)
_WORDS = (12, 15, 18, 21, 24)


def jwt(token: str) -> bool:
    """A JSON Web Token's header is base64url of a JSON object with `alg` (RFC 7519)."""
    return "alg" in _json(token.split(".", 1)[0])


def grafana_key(token: str) -> bool:
    """Grafana's old API keys (`eyJrIjoi…`) are base64 of JSON with the key and an organisation's number."""
    return {"k", "id"} <= _json(token).keys()


def grafana_cloud(token: str) -> bool:
    """Grafana Cloud's access policy tokens are `glc_` and base64 of JSON with the organisation and the key."""
    return {"o", "k"} <= _json(token.removeprefix("glc_")).keys()


def mapbox(token: str) -> bool:
    """Mapbox: `sk.`, base64url of JSON with the user's name, a signature."""
    return "u" in _json(token.split(".")[1])


def intercom(token: str) -> bool:
    """Intercom's access tokens are base64 of `tok:`, a UUID with underscores, `:1:0`."""
    return _decode(token).startswith(b"tok:") and _decode(token).count(b"_") == 4


def pubnub(token: str) -> bool:
    """PubNub's secret keys are `sec-c-` and base64 of a UUID."""
    return base64_uuid(token.removeprefix("sec-c-"))


def base64_uuid(token: str) -> bool:
    """Base64 of a UUID as text: OneSignal's old keys, PubNub's."""
    return _UUID.fullmatch(_decode(token).decode("latin-1")) is not None


def stripe(token: str) -> bool:
    """What follows `sk_live_` or `sk_test_` has no prefix of its own: others use the same two, with other bodies."""
    body = token.rpartition("_")[2]
    paystack, clerk = late.fullmatch(r"[0-9a-f]{40}", body), len(body) == 42
    return not (paystack or clerk or body.startswith("a2V5X"))  # the last one is WorkOS


def workos(token: str) -> bool:
    """WorkOS: `sk_live_` and base64 of `key_…,secret`."""
    return _decode(token.rpartition("_")[2]).startswith(b"key_")


def mixed_body(token: str) -> bool:
    """A digit, a capital and a small letter after the last underscore: what no name in a program has by chance."""
    body = token.rpartition("_")[2]
    return all(late.search(kind, body) for kind in ("[0-9]", "[A-Z]", "[a-z]"))


def letters_and_digits(token: str) -> bool:
    """At least two digits, at least two letters."""
    return all(len(late.findall(kind, token)) > 1 for kind in ("[0-9]", "[A-Za-z]"))


def ethereum(key: str) -> bool:
    """A private key of secp256k1, and not one that development tools publish."""
    return key.lower().removeprefix("0x") not in _DEVELOPMENT_KEYS


def mnemonic(phrase: str) -> bool:
    """12 to 24 words (BIP 39), nearly all different: random ones of 2048 hardly repeat, those of test networks do."""
    words = phrase.split()
    return len(words) in _WORDS and len(set(words)) >= len(words) - 2


def _json(text: str) -> dict[str, Any]:
    """The object in base64 or base64url with or without padding; empty if there is none."""
    try:
        value = json.loads(_decode(text))
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _decode(text: str) -> bytes:
    """Base64 or base64url, padded or not; empty if it is neither."""
    text = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


STRUCTURES: dict[str, Callable[[str], bool]] = {
    **DEVELOPER,
    "jwt": jwt,
    "grafana_key": grafana_key,
    "grafana_cloud": grafana_cloud,
    "mapbox": mapbox,
    "intercom": intercom,
    "pubnub": pubnub,
    "base64_uuid": base64_uuid,
    "stripe": stripe,
    "workos": workos,
    "mixed_body": mixed_body,
    "letters_and_digits": letters_and_digits,
    "ethereum": ethereum,
    "mnemonic": mnemonic,
}
