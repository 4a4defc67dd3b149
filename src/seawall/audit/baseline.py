"""What somebody decided to live with: one file in the repository, one line a finding, with a reason and an end.

A line holds neither path, line nor commit, so nothing that happens to the history breaks it. It holds the finding's
fingerprint hashed again with a salt of this file's own: without that, one table of weak passwords would open every
baseline there is. Two versions of a file always merge: all lines of both are a valid file, even with two salts.
"""

import os
import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import NamedTuple

from seawall.audit.finding import Finding
from seawall.audit.fingerprint import slow_hash
from seawall.errors import ConfigError

NAME = ".seawall-baseline"

_HEADER = (
    "# Findings of `seawall` in this repository that somebody decided to live with. They are listed, not counted.",
    "# One sorted line an entry: hash of finding and salt, rule, last day it holds (or -), reason.",
    "# When git cannot merge this file, keep the lines of both sides.",
)
# Not called a key: it is public, and scanners for credentials would take it for one.
_SALT = re.compile(r"# salt: ([0-9a-f]{32})")
_ENTRY = re.compile(r"([0-9a-f]{32}) (\S+) (-|\d{4}-\d\d-\d\d) (\S.*)")
_CONFLICT = re.compile(r"(<{7}|\|{7}|={7}|>{7})( |$)")


class Entry(NamedTuple):
    """One accepted finding."""

    mark: str  # 32 hexadecimal digits, see `Baseline.mark`
    id: str  # of the finding
    expires: date | None  # the last day it holds
    reason: str

    def __str__(self) -> str:
        return f"{self.mark} {self.id} {self.expires or '-'} {self.reason}"


class Baseline(NamedTuple):
    """A file's content."""

    salts: tuple[
        str, ...
    ]  # 32 hexadecimal digits each; more than one where two files were merged. New entries take the first
    entries: tuple[Entry, ...] = ()
    comments: tuple[str, ...] = ()  # lines that people wrote

    def __str__(self) -> str:
        salts = (f"# salt: {salt}" for salt in sorted(self.salts))
        entries = sorted({str(entry) for entry in self.entries})
        return "\n".join([*_HEADER, *self.comments, *salts, *entries]) + "\n"


class Known(NamedTuple):
    """A finding and the entry that is about it."""

    finding: Finding
    entry: Entry


def new() -> Baseline:
    """An empty one with a salt of its own."""
    return Baseline((os.urandom(16).hex(),))


def load(path: Path) -> Baseline:
    """The baseline in `path`. Raises ConfigError naming the line, also for a conflict that git left in it."""
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The baseline {path} cannot be read: {error}") from error
    salts: list[str] = []
    entries: list[Entry] = []
    comments: list[str] = []
    for number, line in enumerate(lines, 1):
        if salt := _SALT.fullmatch(line):
            salts.append(salt[1])
        elif line.startswith("#"):
            comments += [] if line in _HEADER else [line]
        elif line.strip():
            entries.append(_entry(line, f"{path}:{number}"))
    if entries and not salts:
        raise ConfigError(f"{path}: the line `# salt: …` is missing.", "Take it from an earlier version of the file.")
    return Baseline(tuple(dict.fromkeys(salts)), tuple(entries), tuple(dict.fromkeys(comments)))


def save(path: Path, baseline: Baseline) -> None:
    """Write the whole file, or nothing."""
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        beside.write_text(str(baseline), "utf-8")
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise ConfigError(f"The baseline {path} cannot be written: {error}") from error


def accept(baseline: Baseline, findings: Iterable[Finding], reason: str, expires: date | None = None) -> Baseline:
    """`baseline` with `findings`, replacing what it said about them. Raises ConfigError without a reason."""
    reason = " ".join(reason.split())
    if not reason or not reason.isprintable():
        raise ConfigError("A finding is accepted with a reason, in one line of text.", "Say it with --reason.")
    if not baseline.salts:
        baseline = baseline._replace(salts=new().salts)
    entries = {entry.mark: entry for entry in baseline.entries}
    for finding in findings:
        marks = [_mark(finding, salt) for salt in baseline.salts]
        for mark in marks:
            entries.pop(mark, None)
        entries[marks[0]] = Entry(marks[0], finding.id, expires, reason)
    return baseline._replace(entries=tuple(entries.values()))


def split(
    findings: Iterable[Finding], baseline: Baseline, today: date
) -> tuple[list[Finding], list[Known], list[Known]]:
    """Findings that count, those accepted, and of those that count the ones whose acceptance has ended."""
    entries: dict[str, Entry] = {}
    for entry in baseline.entries:
        # Where a merge left two lines about one finding, the one that ends first counts.
        entries[entry.mark] = min(entries.get(entry.mark, entry), entry, key=_end)
    rules = {entry.id for entry in baseline.entries}
    counted: list[Finding] = []
    known: list[Known] = []
    expired: list[Known] = []
    for finding in findings:
        # A mark takes milliseconds, so none is made for a rule that no line names.
        marks = (_mark(finding, salt) for salt in baseline.salts if finding.id in rules)
        found = min((entries[mark] for mark in marks if mark in entries), key=_end, default=None)
        if found and today <= _end(found):
            known.append(Known(finding, found))
            continue
        counted.append(finding)
        if found:
            expired.append(Known(finding, found))
    return counted, known, expired


def _mark(finding: Finding, salt: str) -> str:
    return slow_hash(finding.fingerprint, bytes.fromhex(salt))


def _end(entry: Entry) -> date:
    return entry.expires or date.max


def _entry(line: str, where: str) -> Entry:
    if _CONFLICT.match(line):
        raise ConfigError(
            f"{where}: git could not merge this file and left a conflict in it.",
            "Remove the lines that start with <<<<<<<, ||||||| , ======= and >>>>>>>; keep all others.",
        )
    parts = _ENTRY.fullmatch(line.rstrip())
    if not parts:
        raise ConfigError(f"{where} is no entry: {line[:80]!r}", "An entry is: hash, rule, last day or -, reason.")
    try:
        expires = None if parts[3] == "-" else date.fromisoformat(parts[3])
    except ValueError as error:
        raise ConfigError(f"{where}: {parts[3]} is no day: {error}") from error
    return Entry(parts[1], parts[2], expires, parts[4])
