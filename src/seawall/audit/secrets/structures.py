"""Formats with an inner structure that a pattern cannot express: what does not have it is no credential."""

import base64
import binascii
import json
from collections.abc import Callable

from seawall.audit.secrets.structures_developer import DEVELOPER


def jwt(token: str) -> bool:
    """A JSON Web Token's header is base64url of a JSON object with `alg` (RFC 7519)."""
    head = token.split(".", 1)[0]
    try:
        return "alg" in json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (binascii.Error, ValueError, TypeError):
        return False


STRUCTURES: dict[str, Callable[[str], bool]] = {**DEVELOPER, "jwt": jwt}
