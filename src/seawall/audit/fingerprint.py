"""One number for one problem: the same in every run and clone, and no help in finding the secret."""

import hashlib
from functools import lru_cache

# scrypt (RFC 7914) with 1 MB: about 3 ms each. A report or a baseline may be read by more people than the secret, and a
# plain hash of a weak password is guessed at 10^10 tries a second.
_COST = {"n": 1024, "r": 8, "p": 1, "dklen": 16}
# Fixed and public, so that clones agree. Changing it renames every finding of every repository.
_SALT = b"seawall finding 1"


@lru_cache(65536)
def fingerprint(identifier: str, secret: str) -> str:
    """32 hexadecimal digits for `secret` (or whatever else is the problem's own), as found by `identifier`.

    Neither path, line nor commit is in it: a rebase, a squash or a moved file does not change it.
    """
    return slow_hash(f"{identifier}\0{secret}", _SALT)


def slow_hash(text: str, salt: bytes) -> str:
    """32 hexadecimal digits."""
    # Text from git may hold bytes that are not UTF-8, as lone surrogates.
    return hashlib.scrypt(text.encode("utf-8", "surrogatepass"), salt=salt, **_COST).hex()
