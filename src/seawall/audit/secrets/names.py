"""Files that are credentials by their names."""

import re
from collections.abc import Sequence
from functools import cached_property

from seawall.audit.secrets.rules import FileRule

_PROBE = 65536  # bytes of a file that its rule's `content` is sought in


class FileNames:
    """`rules`, ready for the paths of a repository: most are refused by one combined expression."""

    def __init__(self, rules: Sequence[FileRule]) -> None:
        self.rules = rules

    @cached_property
    def _any(self) -> re.Pattern[str]:
        return re.compile("|".join(f"(?:{path})" for rule in self.rules for path in rule.paths))

    @cached_property
    def _each(self) -> list[tuple[FileRule, re.Pattern[str], re.Pattern[bytes]]]:
        return [
            (rule, re.compile("|".join(f"(?:{path})" for path in rule.paths)), re.compile(rule.content.encode()))
            for rule in self.rules
        ]

    def suspicious(self, path: str) -> bool:
        """Whether a rule is for files called `path`, so that their content is worth a look."""
        return bool(self.rules) and self._any.search(path) is not None

    def match(self, path: str, content: bytes) -> FileRule | None:
        """The first rule whose path and content both match; `path` with /, from the repository's root."""
        if not content or not self.suspicious(path):
            return None
        head = content[:_PROBE]
        return next((rule for rule, name, inside in self._each if name.search(path) and inside.search(head)), None)
