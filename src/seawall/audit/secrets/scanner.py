"""All rules on a block of bytes in one pass: Hyperscan tells where a match ends, `re` on its line what it is."""

import re
from bisect import bisect
from collections.abc import Container, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import hyperscan

from seawall.audit.secrets import expressions
from seawall.audit.secrets.compiled import compiled
from seawall.audit.secrets.encoded import Form, forms
from seawall.audit.secrets.found import ORDER, Hit
from seawall.audit.secrets.names import FileNames
from seawall.audit.secrets.rules import FileRule, Rule

LINES_AROUND = 2  # to each side that a part of a text has at least, see partly.py
LONG_WINDOW = 16384  # bytes to each side of a match's end that are looked at where it is longer than a line
# `backup-ghp_…` is one, and so are `\nghp_…`, `%22ghp_…` and `\u0022ghp_…` as other text writes them.
_BEFORE = re.compile(rb"(?<!\\)(?<!%[0-9A-Fa-f])(?<!\\u00[0-9A-Fa-f])[0-9A-Za-z_]")
_AFTER = re.compile(rb"[0-9A-Za-z_-]")  # but not `sk_live_…-x`, which goes on
ENDS = re.compile(r"\\[AZz]")  # a text's, in an expression
_SIGN = re.compile(rb"[+/]")
_BASE64 = re.compile(rb"[0-9A-Za-z+/]{64}")
_CACHE_SIZE = 200_000  # lines, …
_CACHED = 1024  # … and how long one may be


class Scanner:
    """`rules`, ready to be applied, and with them those for files' names."""

    def __init__(self, rules: Sequence[Rule], file_rules: Sequence[FileRule] = (), kept: bool = True) -> None:
        self.rules = rules
        self.kept = kept  # what is compiled, in the user's cache
        self.names = FileNames(file_rules)
        self._patterns: list[re.Pattern[bytes] | None] = [None] * len(rules)
        self._anchors: list[bool | None] = [None] * len(rules)
        self.file: Path | None = None  # that keeps the compiled rules
        self._lines: dict[tuple[int, bytes, int], list[Hit]] = {}
        self.seen: dict[bytes, Any] = {}  # lines that deep.py has looked at, and what is in them

    @cached_property
    def forms(self) -> Sequence[Form]:
        """How the rules' keywords look when they are encoded."""
        return forms(keyword for rule in self.rules if not rule.heuristic for keyword in rule.keywords)

    @cached_property
    def _database(self) -> hyperscan.Database:
        database, self.file = compiled(
            [(rule.anchor or rule.expression).encode() for rule in self.rules],
            [self._anchored(number) for number in range(len(self.rules))],
            [form.literal for form in self.forms],
            kept=self.kept,
        )
        return database

    def _anchored(self, number: int) -> bool:
        """Whether what a rule's anchor matches is where its pattern begins."""
        if (known := self._anchors[number]) is None:
            known = self._anchors[number] = bool(self.rules[number].anchor) and not self.rules[number].near
        return known

    @cached_property
    def longest(self) -> int:
        """Bytes to each side of a match's end that a rule may look at, of all rules the most."""
        return max((rule.longest for rule in self.rules), default=0)

    @cached_property
    def in_parts(self) -> bool:
        """Whether all it finds in a text it finds in parts of it: see partly.py.

        Not where a rule asks for the text's own end, nor where many lines must be seen to know where to look.
        """
        return not any(
            ENDS.search(rule.anchor or rule.expression)
            or (not rule.anchor and (rule.multiline or rule.lines > LINES_AROUND))
            for rule in self.rules
        )

    @cached_property
    def likely(self) -> list[int]:
        """The rules that most texts have something for: those for what anybody may have chosen."""
        return [number for number, rule in enumerate(self.rules) if rule.heuristic]

    @cached_property
    def expressions(self) -> Sequence[str]:
        """What is known of the rules' expressions: see expressions.py."""
        return [""] * len(self.rules)

    def warm(self) -> None:
        """Import and compile what most texts need, before processes part that would each do it."""
        import seawall.audit.secrets.judge  # noqa: F401
        from seawall.audit.secrets import late

        late.compile_kept()
        for number in self.likely:
            self._pattern(number)

    def use(self, forms: Sequence[Form], database: hyperscan.Database, **known: Any) -> None:
        """Take what an earlier scanner of the same rules has found out, so that no rule is made: see ready.py."""
        self.forms, self._database = forms, database
        self.__dict__.update(known)

    def scan(self, data: bytes) -> list[Hit]:
        """Every credential that stands in `data` as it is, in order; of several rules in one place the surest."""
        return self.scan_all(data)[0]

    def by_name(self, path: str, data: bytes) -> Hit | None:
        """The whole file, if it is a credential by its name."""
        rule = self.names.match(path, data)
        return Hit(rule, data.decode("latin-1"), 0, len(data), "format") if rule else None

    def may_be_new(self, data: bytes, known: Container[bytes]) -> bool:
        """Whether a line of `data` that is not among the `known` ones may hold a credential: quickly, not judged.

        What a rule sees in one line it has seen in the same line before; what goes over lines is not told apart.
        """
        ends: list[tuple[int, int]] = []
        self._database.scan(data, match_event_handler=lambda number, _, end, *rest: ends.append((number, end)))
        for number, end in ends:
            if number >= len(self.rules) or self.rules[number].multiline or self.rules[number].lines:
                return True
            newline = data.find(b"\n", end)
            if data[data.rfind(b"\n", 0, end - 1) + 1 : newline if newline >= 0 else None] not in known:
                return True
        return False

    def scan_all(self, data: bytes) -> tuple[list[Hit], list[tuple[Form, int]]]:
        """The same, and where encoded text ends that may hold others: see encoded.py."""
        encoded: list[tuple[Form, int]] = []
        found: dict[tuple[int, int], Hit] = {}
        seen: dict[int, int] = {}  # by rule, up to where it need not be looked at again
        rules = len(self.rules)
        for number, start, end in self.matches(data):
            if number >= rules:
                encoded.append((self.forms[number - rules], end))
            elif end > (before := seen.get(number, 0)) and (start >= before or not self._anchored(number)):
                hits, seen[number] = self._around(number, data, start, end)
                for hit in hits:
                    found[number, hit.start] = hit
        return _surest(found.values()) if found else [], encoded

    def matches(self, data: bytes) -> list[tuple[int, int, int]]:
        """Where something may be, not yet judged: the number of a rule or, after those, of a form; start and end."""
        found: list[tuple[int, int, int]] = []
        self._database.scan(
            data, match_event_handler=lambda number, start, end, *rest: found.append((number, start, end))
        )
        return found

    def holds(self, number: int, data: bytes, start: int, end: int) -> bool:
        """Whether a rule's match in `data` is a credential; if it seems to start before, whatever is in its line."""
        if start < 0:
            low, high = self._window(self.rules[number], data, end)
            return bool(self._in_line(number, data[low:high], -1))
        return bool(self._around(number, data, start, end)[0])

    def _around(self, number: int, data: bytes, start: int, end: int) -> tuple[list[Hit], int]:
        """The hits of a rule in the line around `end`, and up to where no match need be looked at again."""
        anchored = self._anchored(number)
        low, high = self._window(self.rules[number], data, end)
        key = number, data[low:high], start - low if anchored else -1
        hits = self._lines.get(key)
        if hits is None:
            hits = self._in_line(*key)
            if len(self._lines) > _CACHE_SIZE:
                self._lines.clear()
            if len(key[1]) <= _CACHED:
                self._lines[key] = hits
        done = start + 1 if anchored else end
        if not hits:
            return hits, done
        moved = [Hit(hit.rule, hit.secret, hit.start + low, hit.end + low, hit.sureness) for hit in hits]
        return moved, max(done, *(hit.end for hit in moved))

    @staticmethod
    def _window(rule: Rule, data: bytes, end: int) -> tuple[int, int]:
        """From where to where a match of `rule` that ends at `end` may reach: its line, or more if it is long."""
        if rule.multiline:
            return max(0, end - LONG_WINDOW), min(len(data), end + LONG_WINDOW)
        low, limit = max(0, end - rule.longest), min(len(data), end + rule.longest)
        start, high = data.rfind(b"\n", low, end - 1), data.find(b"\n", end, limit)
        if rule.lines:
            for _ in range(rule.lines):
                start = data.rfind(b"\n", low, start) if start >= 0 else start
                high = data.find(b"\n", high + 1, limit) if high >= 0 else high
        return start + 1 if start >= 0 else low, high if high >= 0 else limit

    def _pattern(self, number: int) -> re.Pattern[bytes]:
        pattern = self._patterns[number]
        if pattern is None:
            pattern = self._patterns[number] = expressions.compiled(
                self.rules[number].expression.encode(), self.expressions[number]
            )
        return pattern

    def _in_line(self, number: int, line: bytes, at: int) -> list[Hit]:
        """The hits of a rule in `line`; with an anchor at `at`, only what begins there."""
        from seawall.audit.secrets.judge import (
            judge,  # with its tables half of all imports: not needed where nothing is
        )

        rule, pattern = self.rules[number], self._pattern(number)
        hits = []
        for match in pattern.finditer(line) if at < 0 else filter(None, [pattern.match(line, at)]):
            group = 1 if pattern.groups and match[1] is not None else 0
            start, end = match.span(group)
            # What proves itself needs no boundary: in a database's free space texts touch one another.
            if rule.boundary and not rule.checksum and (_touched(line, start, end) or _in_base64(line, start, end)):
                continue
            secret = match[group].decode("latin-1")
            sureness = judge(rule, secret, line.decode("latin-1"), start)
            if sureness is not None:
                hits.append(Hit(rule, secret, start, end, sureness))
        return hits


def _touched(line: bytes, start: int, end: int) -> bool:
    return _AFTER.match(line, end) is not None or (start > 0 and _BEFORE.match(line, start - 1) is not None)


def _in_base64(line: bytes, start: int, end: int) -> bool:
    """Whether long base64 goes on before or after it: there any format occurs by chance."""
    before = (
        _SIGN.match(line, start - 1) is not None and _BASE64.fullmatch(line[max(0, start - 64) : start]) is not None
    )
    return before or (_SIGN.match(line, end) is not None and _BASE64.match(line, end) is not None)


def _surest(hits: Iterable[Hit]) -> list[Hit]:
    """Without those that overlap a surer one, or as sure a one of a vendor's own rule, or a longer one."""
    kept: list[Hit] = []
    starts: list[int] = []
    for hit in sorted(hits, key=_rank):
        at = bisect(starts, hit.start)
        if (at == 0 or kept[at - 1].end <= hit.start) and (at == len(kept) or kept[at].start >= hit.end):
            kept.insert(at, hit)
            starts.insert(at, hit.start)
    return kept


def _rank(hit: Hit) -> tuple[int, bool, bool, int, int]:
    general, named = bool(getattr(hit.rule, "judge", "")), bool(getattr(hit.rule, "name", ""))
    return ORDER[hit.sureness], general, not named, hit.start - hit.end, hit.start
