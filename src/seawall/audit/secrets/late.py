"""Regular expressions that are compiled when they are first used: together that takes longer than a hook may."""

import re
from collections.abc import Callable
from functools import cached_property

from seawall.audit.secrets.expressions import compiled, taken_apart

_Matching = Callable[[str], re.Match[str] | None]


_all: list["Late"] = []
kept: dict[str, str] = {}  # of patterns: see expressions.py


def taken_apart_all() -> dict[str, str]:
    """What can be `kept` of all."""
    return {each.pattern: taken_apart(each.pattern) for each in _all}


def compile_all() -> None:
    """At once, before processes part that would each do it."""
    for each in _all:
        _ = each._compiled


class Late:
    """As what `re.compile(pattern)` gives, later."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        _all.append(self)

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return compiled(self.pattern, kept.get(self.pattern, ""))

    @cached_property
    def search(self) -> _Matching:
        """See re.Pattern.search."""
        return self._compiled.search

    @cached_property
    def match(self) -> _Matching:
        """See re.Pattern.match."""
        return self._compiled.match

    @cached_property
    def fullmatch(self) -> _Matching:
        """See re.Pattern.fullmatch."""
        return self._compiled.fullmatch

    @cached_property
    def sub(self) -> Callable[[str, str], str]:
        """See re.Pattern.sub."""
        return self._compiled.sub
