"""Regular expressions that are compiled when they are first used, or from what was kept: see expressions.py.

There are more of them than a hook has time for, and most are only needed for what looks like a credential.
"""

import re

from seawall.audit.secrets.expressions import compiled, taken_apart

_compiled: dict[str, re.Pattern[str]] = {}
_kept: dict[str, str] = {}


def of(pattern: str) -> re.Pattern[str]:
    """As `re.compile(pattern)`."""
    found = _compiled.get(pattern)
    if found is None:
        found = _compiled[pattern] = compiled(pattern, _kept.get(pattern, ""))
    return found


def used() -> dict[str, str]:
    """What can be kept of those that were used."""
    return {pattern: taken_apart(pattern) for pattern in _compiled}


def keep(kept: dict[str, str]) -> None:
    """Take what another run said of those that it used."""
    _kept.update(kept)


def compile_kept() -> None:
    """At once, before processes part that would each do it."""
    for pattern in _kept:
        of(pattern)


def search(pattern: str, text: str) -> re.Match[str] | None:
    """See re.search; the others likewise."""
    return of(pattern).search(text)


def match(pattern: str, text: str) -> re.Match[str] | None:
    return of(pattern).match(text)


def fullmatch(pattern: str, text: str) -> re.Match[str] | None:
    return of(pattern).fullmatch(text)


def sub(pattern: str, replacement: str, text: str) -> str:
    return of(pattern).sub(replacement, text)


def findall(pattern: str, text: str) -> list[str]:
    found: list[str] = of(pattern).findall(text)
    return found


def split(pattern: str, text: str) -> list[str]:
    return of(pattern).split(text)
