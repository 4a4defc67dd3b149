"""Checksums of wallets, keys and services: base58check, bech32, CRC-16 and CRC-32, as their specifications say."""

import base64
import binascii
import zlib
from collections.abc import Callable

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_RIPPLE58 = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def grafana(token: str) -> bool:
    """`glsa_…_xxxxxxxx`: CRC-32 of all before the last `_`, little-endian, in hexadecimal.

    Source: Grafana, pkg/components/satokengen, CalculateChecksum.
    """
    body, _, crc = token.rpartition("_")
    return zlib.crc32(body.encode()).to_bytes(4, "little").hex() == crc


def matrix(token: str) -> bool:
    """`syt_…`, `syr_…`, `syl_…`: CRC-32 of all before the last `_`, in base 62.

    Source: Synapse, handlers/auth.py, generate_access_token and verify_refresh_token.
    """
    body, _, crc = token.rpartition("_")
    return base62_crc32(body) == crc


def crc32_tail(token: str) -> bool:
    """`prefix_…`: the last six characters are the CRC-32 of those between the last `_` and them, in base 62.

    Source: Polar, kit/crypto.py, generate_token.
    """
    body = token.rpartition("_")[2]
    return base62_crc32(body[:-6]) == body[-6:]


def base62_crc32(text: str) -> str:
    """CRC-32 of `text` in base 62 (digits, capitals, small letters), padded to six characters."""
    number, digits = zlib.crc32(text.encode()), ""
    while number:
        number, digit = divmod(number, 62)
        digits = _BASE62[digit] + digits
    return digits.rjust(6, "0")


def base58check(text: str) -> bool:
    """The last four bytes are the first four of the double SHA-256 of those before.

    Source: Bitcoin wiki, "Base58Check encoding"; BIP 32 and BIP 38 and Tezos use the same.
    """
    return _checked(_decode58(text, _BASE58), lambda body: _sha256(_sha256(body))[:4])


def ripple58check(text: str) -> bool:
    """Base58check with the XRP Ledger's own alphabet. Source: xrpl.org, "base58 Encodings"."""
    return _checked(_decode58(text, _RIPPLE58), lambda body: _sha256(_sha256(body))[:4])


def cb58(text: str) -> bool:
    """`PrivateKey-…`: the last four bytes are the last four of the SHA-256 of those before.

    Source: Avalanche, "Cryptographic Primitives", CB58.
    """
    return _checked(_decode58(text.rpartition("-")[2], _BASE58), lambda body: _sha256(body)[-4:])


def stellar(seed: str) -> bool:
    """`S…`: base 32 of a version byte, 32 bytes and CRC-16/XMODEM, little-endian. Source: Stellar, SEP-23, strkeys."""
    try:
        data = base64.b32decode(seed)
    except binascii.Error:
        return False
    return data[-2:] == binascii.crc_hqx(data[:-2], 0).to_bytes(2, "little")


def bech32(text: str) -> bool:
    """Polymod of the prefix and all values is 1 (bech32) or 0x2bc830a3 (bech32m). Source: BIP 173, BIP 350."""
    prefix, _, data = text.lower().rpartition("1")
    values = [_BECH32.find(character) for character in data]
    if len(values) < 6 or min(values) < 0:
        return False
    expanded = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    return bech32_polymod(expanded + values) in (1, 0x2BC830A3)


def bech32_polymod(values: list[int]) -> int:
    """The BCH code's remainder of 5-bit `values` (BIP 173)."""
    check = 1
    for value in values:
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> bit & 1 else 0
    return check


def _decode58(text: str, alphabet: str) -> bytes:
    """The bytes; empty if a character is not of the alphabet."""
    number = 0
    for character in text:
        digit = alphabet.find(character)
        if digit < 0:
            return b""
        number = number * 58 + digit
    zeros = len(text) - len(text.lstrip(alphabet[0]))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def _checked(data: bytes, checksum: Callable[[bytes], bytes]) -> bool:
    return len(data) > 4 and checksum(data[:-4]) == data[-4:]


def _sha256(data: bytes) -> bytes:
    import hashlib  # takes its time, and few formats need it

    return hashlib.sha256(data).digest()


CHECKSUMS_MORE: dict[str, Callable[[str], bool]] = {
    "grafana": grafana,
    "matrix": matrix,
    "crc32_tail": crc32_tail,
    "base58check": base58check,
    "ripple58check": ripple58check,
    "cb58": cb58,
    "stellar": stellar,
    "bech32": bech32,
}
