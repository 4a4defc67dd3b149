"""Files that are credentials by their names."""

import re
from collections.abc import Iterable, Sequence
from functools import cached_property

from seawall.audit.secrets.rules import FileRule

_PROBE = 65536  # bytes of a file that its rule's `content` is sought in
_START = "(?:^|/)"  # what most paths of rules begin with


class FileNames:
    """`rules`, ready for the paths of a repository: most are refused by one combined expression."""

    def __init__(self, rules: Sequence[FileRule]) -> None:
        self.rules = rules

    @cached_property
    def _starting(self) -> re.Pattern[str]:
        """What a directory's or file's name begins with: tried where one begins only, an eighth of the time."""
        paths = [path.removeprefix(_START) for path in self._paths() if path.startswith(_START)]
        return re.compile(_any(paths))

    @cached_property
    def _anywhere(self) -> re.Pattern[str]:
        return re.compile(_any(path for path in self._paths() if not path.startswith(_START)))

    @cached_property
    def _each(self) -> list[tuple[FileRule, re.Pattern[str], re.Pattern[bytes]]]:
        return [(rule, re.compile(_any(rule.paths)), re.compile(rule.content.encode())) for rule in self.rules]

    def _paths(self) -> Iterable[str]:
        return (path for rule in self.rules for path in rule.paths)

    def suspicious(self, path: str) -> bool:
        """Whether a rule is for files called `path`, so that their content is worth a look."""
        at = 0
        while True:
            if self._starting.match(path, at):
                return True
            at = path.find("/", at) + 1
            if not at:
                return self._anywhere.search(path) is not None

    def among(self, paths: Iterable[str]) -> set[str]:
        """Those of very many paths that are suspicious."""
        return set(filter(self.suspicious, paths))

    def match(self, path: str, content: bytes) -> FileRule | None:
        """The first rule whose path and content both match; `path` with /, from the repository's root."""
        if not content or not self.suspicious(path):
            return None
        head = content[:_PROBE]
        return next((rule for rule, name, inside in self._each if name.search(path) and inside.search(head)), None)


def _any(expressions: Iterable[str]) -> str:
    """An expression that matches what one of `expressions` does; nothing if there is none."""
    return "|".join(f"(?:{each})" for each in expressions) or r"(?!)"
