"""One number for one problem: the same in every run and clone, and no help in finding the secret."""

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator
from functools import lru_cache
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seawall.audit.secrets.rules import FileRule, Rule

# scrypt (RFC 7914) with 1 MB: about 3 ms each. A report or a baseline may be read by more people than the secret, and a
# plain hash of a weak password is guessed at 10^10 tries a second.
_COST = {"n": 1024, "r": 8, "p": 1, "dklen": 16}
# Fixed and public, so that clones agree. Changing it renames every finding of every repository.
_SALT = b"seawall finding 1"


@lru_cache(65536)
def fingerprint(identifier: str, secret: str, issued: bool = False) -> str:
    """32 hexadecimal digits for `secret` (or whatever else is the problem's own), as found by `identifier`.

    Neither path, line nor commit is in it: a rebase, a squash or a moved file does not change it. What a machine
    `issued` at random cannot be guessed, so that hashing it slowly would protect nothing.
    """
    text = f"{identifier}\0{secret}"
    if issued:
        return hashlib.sha256(_SALT + text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return slow_hash(text, _SALT)


def of_credential(rule: "Rule | FileRule", secret: str) -> str:
    """The fingerprint of what a rule found."""
    return fingerprint(f"secrets/{rule.id}", secret, rule.issued(secret))


def slow_hash(text: str, salt: bytes) -> str:
    """32 hexadecimal digits."""
    # Text from git may hold bytes that are not UTF-8, as lone surrogates.
    return hashlib.scrypt(text.encode("utf-8", "surrogatepass"), salt=salt, **_COST).hex()


@contextlib.contextmanager
def beside() -> Iterator[Callable[["Rule | FileRule", str], None]]:
    """What takes its time is made, and kept, while the caller goes on: scrypt lets other threads run.

    A ThreadPoolExecutor would import logging, which takes as long as four fingerprints.
    """
    waiting: SimpleQueue[tuple[Rule | FileRule, str] | None] = SimpleQueue()
    threads: list[Thread] = []

    def make() -> None:
        while asked := waiting.get():
            of_credential(*asked)

    def noticed(rule: "Rule | FileRule", secret: str) -> None:
        if rule.issued(secret):
            return  # made in no time when it is asked for
        waiting.put((rule, secret))
        if len(threads) < (os.cpu_count() or 1):
            threads.append(Thread(target=make))
            threads[-1].start()

    try:
        yield noticed
    except BaseException:
        with contextlib.suppress(Empty):  # nobody wants them any more
            while True:
                waiting.get_nowait()
        raise
    finally:
        for _ in threads:
            waiting.put(None)
        for thread in threads:
            thread.join()
