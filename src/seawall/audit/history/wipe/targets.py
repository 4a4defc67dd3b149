"""What is to be wiped: secrets as they are, found again wherever they stand, whatever is around them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from seawall.audit import baseline
from seawall.audit.evidence import Evidence
from seawall.audit.fingerprint import of_credential
from seawall.audit.history.scan import Scan
from seawall.audit.repository import evidence
from seawall.audit.run import run
from seawall.audit.secrets.rules import FileRule, Rule
from seawall.audit.top import top_folder
from seawall.errors import ConfigError

AnyRule = Rule | FileRule

SHORTEST = 6  # characters: shorter ones are parts of ordinary words, which would be wiped with them
_GIVEN = Rule("given", "", "Given text", "", ())
_ORDINARY = re.compile(r"[A-Za-z]{1,19}|[\x21-\x7e]{1,9}")


@dataclass(frozen=True)
class Target:
    """A secret, and what stands for it afterwards: as long, valid in any place, and another one for each secret."""

    secret: str  # bytes as latin-1
    rule: AnyRule
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


def chosen(scan: Scan, rules: Iterable[str], fingerprints: Iterable[str]) -> list[tuple[str, AnyRule]]:
    """The secrets of `scan` that the user means: all, or those of some rules or findings. Raises ConfigError.

    Rules as `github-token` or `secrets/github-token`; of a fingerprint the beginning will do, if no other has it.
    """
    names, begins = {rule.removeprefix("secrets/") for rule in rules}, set(fingerprints)
    found = [(each.secret, each.rule) for each in scan.credentials]
    if not names and not begins:
        return found
    if unknown := names - {rule.id for _, rule in found}:
        raise ConfigError(f"Nothing was found by the rule {min(unknown)}.", "See: seawall secrets scan")
    marks = {of_credential(rule, secret): (secret, rule) for secret, rule in found if begins}
    return [each for each in found if each[1].id in names] + [_marked(marks, begin) for begin in sorted(begins)]


def _marked(marks: dict[str, tuple[str, AnyRule]], begin: str) -> tuple[str, AnyRule]:
    matching = [mark for mark in marks if begin and mark.startswith(begin.lower())]
    if not matching:
        raise ConfigError(f"There is no finding {begin}.", "See: seawall secrets scan")
    if len(matching) > 1:
        raise ConfigError(
            f"{len(matching)} findings have a fingerprint that begins with {begin}.",
            f"Say more of it: {', '.join(sorted(matching))}",
        )
    return marks[matching[0]]


def accepted(path: Path, scanned: Scan) -> frozenset[str]:
    """The secrets that may stay: the baseline's, and rules' own examples. Raises ConfigError if that is unreadable."""
    examples = frozenset(
        each.secret for each in scanned.credentials if any(each.secret in text for text in each.rule.positive)
    )
    file = top_folder(path) / baseline.NAME
    if not file.exists():
        return examples
    findings, _ = run(Evidence(credentials=evidence(scanned)))
    _, known, _ = baseline.split(findings, baseline.load(file), date.today())
    marks = {each.finding.fingerprint for each in known}
    return examples | frozenset(
        each.secret for each in scanned.credentials if of_credential(each.rule, each.secret) in marks
    )


def given(text: bytes) -> list[tuple[str, AnyRule]]:
    """One secret a line. Raises ConfigError for those too short to be told from ordinary text."""
    secrets = [line.strip(b"\r").decode("latin-1") for line in text.split(b"\n") if line.strip()]
    for number, secret in enumerate(secrets, 1):
        if len(secret) < SHORTEST:
            raise ConfigError(
                f"Secret number {number} is shorter than {SHORTEST} characters.",
                "Replacing it everywhere would damage what only looks like it: change those files by hand.",
            )
    return [(secret, _GIVEN) for secret in secrets]


def targets(secrets: Iterable[tuple[str, AnyRule]]) -> list[Target]:
    """Each secret once, and also as it is written in JSON and URLs. Raises ConfigError where one is too short."""
    secrets = list(secrets)
    if short := {secret: rule for secret, rule in secrets if len(secret) < SHORTEST}:
        raise _too_short(short)
    found: dict[str, AnyRule] = {}
    for secret, rule in secrets:
        for variant in _variants(secret):
            if len(variant) >= SHORTEST:
                found.setdefault(variant, rule)
    return [Target(secret, found[secret], number) for number, secret in enumerate(sorted(found), 1)]


def _too_short(found: dict[str, AnyRule]) -> ConfigError:
    marks = [f"{of_credential(rule, secret)[:12]} ({rule.id})" for secret, rule in found.items()]
    number = "1 credential is" if len(found) == 1 else f"{len(found)} credentials are"
    return ConfigError(
        f"{number} shorter than {SHORTEST} characters: {', '.join(marks)}.",
        "Replaced everywhere, that would damage what only looks like it. Change those files by hand and rewrite their "
        "commits: git rebase --interactive. Or let them stay: seawall secrets accept FINGERPRINT --reason …\n"
        "The others can be wiped before: --rule or --finding.",
    )


def _variants(secret: str) -> Iterable[str]:
    yield secret
    text = secret.replace("\r\n", "\n")
    yield text
    if "\n" in text:
        yield text.replace("\n", "\r\n")
        yield text.replace("\n", "\\n")
        yield text.replace("\n", "\\r\\n")
    yield quote(secret.encode("latin-1"), safe="")
    yield secret.replace("\\", "\\\\").replace('"', '\\"').replace("/", "\\/")
