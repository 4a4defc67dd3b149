"""Regular expressions that are compiled when they are first used: together that takes longer than a hook may."""

import re
from collections.abc import Callable
from functools import cached_property

_Matching = Callable[[str], re.Match[str] | None]


class Late:
    """As what `re.compile(pattern)` gives, later."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern

    @cached_property
    def search(self) -> _Matching:
        """See re.Pattern.search."""
        return re.compile(self.pattern).search

    @cached_property
    def match(self) -> _Matching:
        """See re.Pattern.match."""
        return re.compile(self.pattern).match

    @cached_property
    def fullmatch(self) -> _Matching:
        """See re.Pattern.fullmatch."""
        return re.compile(self.pattern).fullmatch

    @cached_property
    def sub(self) -> Callable[[str, str], str]:
        """See re.Pattern.sub."""
        return re.compile(self.pattern).sub
