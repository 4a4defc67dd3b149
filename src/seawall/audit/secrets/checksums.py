"""Tokens that carry a checksum: who knows it can tell a real token from what only looks like one."""

import base64
import binascii
import zlib
from collections.abc import Callable

from seawall.audit.secrets.checksums_more import CHECKSUMS_MORE
from seawall.audit.secrets.marvin import marvin32

_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ENTRA = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ1234567890.-_~"


def github(token: str) -> bool:
    """`ghp_`, `npm_` …: the last six characters are the CRC-32 of those between prefix and them, in base 62.

    Source: GitHub's engineering blog, "Behind GitHub's new authentication token formats", 2021.
    """
    body = token.split("_", 1)[1]
    return _digits(zlib.crc32(body[:-6].encode()), _BASE62, 6) == body[-6:]


def gitlab_routable(token: str) -> bool:
    """`glpat-….…`: after the last dot the payload's length (two characters) and the CRC-32 of all before it (seven).

    Both are in base 36. Source: GitLab's design document "Routable tokens", `Authn::TokenField::Generator`.
    """
    return _digits(zlib.crc32(token[:-7].encode()), _BASE36, 7) == token[-7:]


def confluent(token: str) -> bool:
    """`cflt…`: the last six characters are the CRC-32 of the 54 before them, little-endian, in base64 without padding.

    Source: Confluent Cloud's documentation, "Use API keys", "API secret format".
    """
    return base64.b64encode(zlib.crc32(token[4:-6].encode()).to_bytes(4, "little")).decode()[:6] == token[-6:]


# Marvin32's seeds, eight characters read as a number, by the four characters before the checksum.
_AZURE_SEEDS: dict[str, tuple[str, ...]] = {
    "+ABa": ("AbAcct00",),  # Batch
    "+ACR": ("ACRDflt0",),  # Container Registry
    "+AEh": ("Send0000", "Listen00", "Manage00", "System00", "Unknown0"),  # Event Hubs
    "+AMC": ("Classic0",),  # Machine Learning
    "+ARm": ("Send0000", "Listen00", "Manage00", "System00", "Unknown0"),  # Relay
    "+ASb": ("Send0000", "Listen00", "Manage00", "System00", "Unknown0"),  # Service Bus
    "+ASt": ("Default0",),  # Storage
    "ACDb": ("MastRO00", "MastRW00", "SysAll00", "Resour00", "SystRO00", "SystRW00", "Encryp00"),  # Cosmos DB
    "AIoT": ("IoTHub00", "DpsKey00", "Device00"),
    "APIM": ("Tenant00", "IoTHub00", "Gatewy00", "GitKey00"),  # API Management
    "AzFu": ("Master00", "System00", "Functi00"),  # Functions
    "AzSe": ("Query000", "PAdmin00"),  # Search
}


def azure_identifiable(token: str) -> bool:
    """Azure's service keys: their base64 ends with four bytes, the Marvin32 of those before, seeded by service.

    Source: Microsoft's "security-utilities", `IdentifiableSecrets.ValidateChecksum` and `IdentifiableMetadata`.
    """
    text = token.rstrip("=")
    key = _base64(text)
    return any(
        marvin32(key[:-4], int.from_bytes(seed.encode(), "big")) == int.from_bytes(key[-4:], "little")
        for seed in _AZURE_SEEDS.get(text[-10:-6], ())
    )


def azure_annotated(token: str) -> bool:
    """`…JQQJ99…`, 84 or 88 characters: behind the eightieth the Marvin32 of the first sixty bytes, base 64 or base 62.

    Source: Microsoft's "security-utilities", `IdentifiableSecrets.TryValidateCommonAnnotatedKey`; NuGet's `ApiKeyV5`.
    """
    claimed = token[80:84]
    checksum = marvin32(_base64(token[:80]), int.from_bytes(b"Default0", "big")).to_bytes(4, "little")
    base62 = _digits(int.from_bytes(checksum, "big"), _BASE62, 0).ljust(6, "0")
    return claimed in (base64.b64encode(checksum).decode()[:4], base62[:4])


def azure_client_secret(token: str) -> bool:
    """`…8Q~…`: the last three characters are the first three of the Marvin32 of all before, in base 66.

    Source: Microsoft's "security-utilities", `IdentifiableMetadata.IsAzureAadClientAppIdentifiableSecret`.
    """
    return _digits(marvin32(token[:-3].encode(), int.from_bytes(b"AadPwd00", "big")), _ENTRA, 0)[:3] == token[-3:]


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_" if "-" in text or "_" in text else None)
    except binascii.Error:
        return b""


def _digits(number: int, alphabet: str, width: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, len(alphabet))
        digits = alphabet[digit] + digits
    return digits.rjust(width, alphabet[0])


CHECKSUMS: dict[str, Callable[[str], bool]] = {
    "azure_annotated": azure_annotated,
    "azure_client_secret": azure_client_secret,
    "azure_identifiable": azure_identifiable,
    "confluent": confluent,
    "github": github,
    "gitlab_routable": gitlab_routable,
    **CHECKSUMS_MORE,
}
