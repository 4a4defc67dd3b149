"""Marvin32, the keyed checksum in Microsoft's identifiable secrets."""

_WORD = 0xFFFFFFFF


def marvin32(data: bytes, seed: int) -> int:
    """The 32-bit Marvin checksum of `data` under a 64-bit seed.

    Source: .NET runtime, `System.Marvin`; Microsoft's "security-utilities", `Marvin.ComputeHash32`.
    """
    low, high = seed & _WORD, seed >> 32
    # The rest gets a 0x80 after its last byte; an empty block follows.
    padded = data + b"\x80" + b"\0" * (-(len(data) + 1) % 4)
    for at in range(0, len(padded), 4):
        low, high = _mixed((low + int.from_bytes(padded[at : at + 4], "little")) & _WORD, high)
    low, high = _mixed(low, high)
    return low ^ high


def _mixed(low: int, high: int) -> tuple[int, int]:
    high ^= low
    low = (_rotated(low, 20) + high) & _WORD
    high = _rotated(high, 9) ^ low
    low = (_rotated(low, 27) + high) & _WORD
    return low, _rotated(high, 19)


def _rotated(word: int, by: int) -> int:
    return (word << by | word >> (32 - by)) & _WORD
