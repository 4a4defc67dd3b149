"""Finds given secrets wherever they stand, plain or encoded, whatever is around them."""

from collections.abc import Iterable, Sequence
from functools import cached_property

import hyperscan

from seawall.audit.history.wipe.targets import Target
from seawall.audit.secrets.encoded import Form, forms
from seawall.audit.secrets.found import Hit
from seawall.audit.secrets.rules import FileRule
from seawall.audit.secrets.scanner import Scanner

_HEAD = 32  # bytes of a secret that Hyperscan looks for; the rest is compared
_PIECE = 12  # characters whose encoded forms are looked for, at a secret's begin, middle and end


class Literals(Scanner):
    """Finds targets, plain or encoded. Their database is kept in memory alone: it holds the secrets.

    Those that are ordinary words are found where `rules` find them.
    """

    def __init__(self, targets: Sequence[Target], rules: Scanner) -> None:
        super().__init__([])
        self.targets = targets
        self.literal = [target for target in targets if not target.ordinary]
        self.ordinary = {target.secret for target in targets if target.ordinary}
        found = forms(piece for target in self.literal for piece in _pieces(target.secret))
        self.forms = (
            *found,
            *(form._replace(literal=form.literal.upper()) for form in found if form.encoding == "hex"),
        )
        self.files = {target.secret for target in targets if isinstance(target.rule, FileRule)}
        self.by_rule = rules

    @property
    def in_parts(self) -> bool:
        """A secret may have many lines."""
        return False

    @cached_property
    def _database(self) -> hyperscan.Database:
        literals = [*(target.content[:_HEAD] for target in self.literal), *(form.literal for form in self.forms)]
        expressions = [b"".join(b"\\x%02x" % byte for byte in literal) for literal in literals]
        database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        flags = [hyperscan.HS_FLAG_DOTALL] * len(literals)
        database.compile(expressions=expressions, ids=list(range(len(literals))), flags=flags)
        return database

    def scan_all(self, data: bytes) -> tuple[list[Hit], list[tuple[Form, int]]]:
        """Every target in `data`, overlapping ones too, and where encoded text may hold others."""
        ends: list[tuple[int, int]] = []
        self._database.scan(data, match_event_handler=lambda number, _, end, *rest: ends.append((number, end)))
        count = len(self.literal)
        hits = [hit for number, end in ends if number < count for hit in self._hit(self.literal[number], data, end)]
        encoded = [(self.forms[number - count], end) for number, end in ends if number >= count]
        if self.ordinary:
            others, more = self.by_rule.scan_all(data)
            hits += [hit for hit in others if hit.secret in self.ordinary]
            encoded = _merged(encoded, more)
        return hits, encoded

    def _hit(self, target: Target, data: bytes, end: int) -> Iterable[Hit]:
        start = end - min(_HEAD, len(target.secret))
        if data.startswith(target.content, start):
            yield Hit(target.rule, target.secret, start, start + len(target.secret), "format")

    @cached_property
    def fillers(self) -> dict[str, bytes]:
        """What stands for each secret."""
        return {target.secret: target.filler for target in self.targets}


def _pieces(secret: str) -> Iterable[str]:
    """Parts whose encoded forms give the whole away: folded lines may cut one of them, not all."""
    middle = (len(secret) - _PIECE) // 2
    for piece in {secret[:_PIECE], secret[max(0, middle) :][:_PIECE], secret[-_PIECE:]}:
        if piece.isascii():
            yield piece


class Both(Scanner):
    """What the rules find, and the targets whatever is around them: the judge of whether anything is left."""

    def __init__(self, rules: Scanner, literals: Literals) -> None:
        super().__init__([])
        self._both = rules, literals
        self.names = rules.names

    @property
    def in_parts(self) -> bool:
        """As the literals."""
        return False

    def scan_all(self, data: bytes) -> tuple[list[Hit], list[tuple[Form, int]]]:
        """What either finds."""
        (hits, encoded), (others, more) = (each.scan_all(data) for each in self._both)
        return hits + others, _merged(encoded, more)


def _merged(one: list[tuple[Form, int]], other: list[tuple[Form, int]]) -> list[tuple[Form, int]]:
    return sorted({*one, *other}, key=lambda each: each[1])
