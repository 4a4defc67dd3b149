"""Tokens that carry a checksum: who knows it can tell a real token from what only looks like one."""

import zlib
from collections.abc import Callable

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def github(token: str) -> bool:
    """`ghp_`, `npm_` …: the last six characters are the CRC-32 of those between prefix and them, in base 62.

    Source: GitHub's engineering blog, "Behind GitHub's new authentication token formats", 2021.
    """
    body = token.split("_", 1)[1]
    return _base62(zlib.crc32(body[:-6].encode()), 6) == body[-6:]


def _base62(number: int, width: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 62)
        digits = _BASE62[digit] + digits
    return digits.rjust(width, "0")


CHECKSUMS: dict[str, Callable[[str], bool]] = {"github": github}
