"""What is to be wiped: secrets as they are, found again wherever they stand, whatever is around them."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import hyperscan

from seawall.audit.history.scan import Scan
from seawall.audit.secrets.encoded import Form, forms
from seawall.audit.secrets.rules import Rule
from seawall.audit.secrets.scanner import Hit, Scanner
from seawall.errors import ConfigError

SHORTEST = 6  # characters: shorter ones are parts of ordinary words, which would be wiped with them
_HEAD = 32  # bytes of a secret that Hyperscan looks for; the rest is compared
_PIECE = 12  # characters whose encoded forms are looked for, at a secret's begin, middle and end
_GIVEN = Rule("given", "", "Given text", "", ())
_ORDINARY = re.compile(r"[A-Za-z]{1,19}|[\x21-\x7e]{1,9}")


@dataclass(frozen=True)
class Target:
    """A secret, and what stands for it afterwards: as long, valid in any place, and another one for each secret."""

    secret: str  # bytes as latin-1
    rule: Rule
    number: int

    @property
    def content(self) -> bytes:
        return self.secret.encode("latin-1")

    @property
    def ordinary(self) -> bool:
        """Whether it may also be a word, as the password `postgres` is: not replaced where no rule sees it."""
        return self.rule is not _GIVEN and bool(_ORDINARY.fullmatch(self.secret))

    @cached_property
    def filler(self) -> bytes:
        """`x`, which no file format, URL, shell or file system takes amiss; lines and folders stay what they are."""
        number = str(self.number).encode()
        text = bytearray(b"x" * (len(self.secret) - len(number)) + number)
        for at, byte in enumerate(self.content):
            if byte in b"\r\n/":
                text[at] = byte
        return bytes(text)


def chosen(scan: Scan, rules: Iterable[str], fingerprints: Iterable[str]) -> list[tuple[str, Rule]]:
    """The secrets of `scan` that the user means: all, or those of some rules or findings. Raises ConfigError."""
    from seawall.audit.fingerprint import fingerprint

    rules, fingerprints = set(rules), set(fingerprints)
    found = [(each.secret, each.rule) for each in scan.credentials]
    if not rules and not fingerprints:
        return found
    names = {fingerprint(f"secrets/{rule.id}", secret): (secret, rule) for secret, rule in found if fingerprints}
    if unknown := rules - {rule.id for _, rule in found}:
        raise ConfigError(f"Nothing was found by the rule {min(unknown)}.", "See: seawall secrets scan")
    if unknown := fingerprints - set(names):
        raise ConfigError(f"There is no finding {min(unknown)}.", "See: seawall secrets scan")
    return [each for each in found if each[1].id in rules] + [names[each] for each in fingerprints]


def given(text: bytes) -> list[tuple[str, Rule]]:
    """One secret a line. Raises ConfigError for those too short to be told from ordinary text."""
    secrets = [line.strip(b"\r").decode("latin-1") for line in text.split(b"\n") if line.strip()]
    for number, secret in enumerate(secrets, 1):
        if len(secret) < SHORTEST:
            raise ConfigError(
                f"The {number}. secret given is shorter than {SHORTEST} characters.",
                "Replacing it everywhere would damage what only looks like it: change those files by hand.",
            )
    return [(secret, _GIVEN) for secret in secrets]


def targets(secrets: Iterable[tuple[str, Rule]]) -> list[Target]:
    """Each secret once, and also as it is written in JSON and URLs. What is too short is left out."""
    found: dict[str, Rule] = {}
    for secret, rule in secrets:
        for variant in _variants(secret):
            if len(variant) >= SHORTEST:
                found.setdefault(variant, rule)
    return [Target(secret, found[secret], number) for number, secret in enumerate(sorted(found), 1)]


def _variants(secret: str) -> Iterable[str]:
    from urllib.parse import quote

    yield secret
    text = secret.replace("\r\n", "\n")
    yield text
    if "\n" in text:
        yield text.replace("\n", "\r\n")
        yield text.replace("\n", "\\n")
        yield text.replace("\n", "\\r\\n")
    yield quote(secret.encode("latin-1"), safe="")
    yield secret.replace("\\", "\\\\").replace('"', '\\"').replace("/", "\\/")


class Literals(Scanner):
    """Finds targets, plain or encoded. Their database is kept in memory alone: it holds the secrets.

    Those that are ordinary words are found where `rules` find them.
    """

    def __init__(self, targets: Sequence[Target], rules: Scanner) -> None:
        super().__init__([])
        self.targets = targets
        self.literal = [target for target in targets if not target.ordinary]
        self.ordinary = {target.secret for target in targets if target.ordinary}
        self.forms = forms(piece for target in self.literal for piece in _pieces(target.secret))
        self.by_rule = rules

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

    def scan_all(self, data: bytes) -> tuple[list[Hit], list[tuple[Form, int]]]:
        """What either finds."""
        (hits, encoded), (others, more) = (each.scan_all(data) for each in self._both)
        return hits + others, _merged(encoded, more)


def _merged(one: list[tuple[Form, int]], other: list[tuple[Form, int]]) -> list[tuple[Form, int]]:
    return sorted({*one, *other}, key=lambda each: each[1])
