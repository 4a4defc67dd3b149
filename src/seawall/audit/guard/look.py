"""Looks for credentials in what is new, and leaves out those that were there before or that somebody accepted."""

import contextlib
import os
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import IO

from seawall.audit.finding import Finding, Place
from seawall.audit.guard.changes import Change, ObjectsMissing, environment, everywhere
from seawall.audit.harmless import git
from seawall.audit.secrets.deep import look
from seawall.audit.secrets.found import Sighting
from seawall.audit.secrets.scanner import Scanner
from seawall.audit.secrets.unwrap import unwrap

_PIECE, _OVERLAP = 32 << 20, 1 << 16  # bytes of a large file looked at at once, and how far the next piece reaches back
_KINDS = {b"commit": "commit message", b"tag": "tag message", b"blob": "file"}


@dataclass(frozen=True)
class New:
    """A credential that was not there before."""

    sighting: Sighting
    kind: str  # as in Place.kind
    path: str
    object: str
    before: tuple[str, ...] = ()  # see Change

    @property
    def place(self) -> Place:
        """Where it is."""
        seen = self.sighting
        return Place(self.kind, self.path, seen.line, seen.within, docstring=seen.docstring)


def new(scanner: Scanner, changes: Sequence[Change]) -> list[New]:
    """Credentials in the changes, and in the names of files, that no earlier version of the file holds."""
    found = list(_in_names(scanner, changes))
    by_object: dict[str, list[Change]] = {}  # files that are the same are one object
    for change in changes:
        by_object.setdefault(change.object, []).append(change)
    lines: set[bytes] = set()  # of the version before
    for name, kind, data in _contents(_with_before(by_object)):
        if name not in by_object:
            lines = set(data.split(b"\n"))
            continue
        if kind in _KINDS and (not lines or not _as_before(scanner, data, lines)):
            for change in by_object[name]:
                sightings = _in(scanner, change.path if kind == b"blob" else "", data)
                found += [_new(each, kind, change, data) for each in sightings]
        lines = set()  # the next one may have none
    return list(_not_before(scanner, found))


def _new(sighting: Sighting, kind: bytes, change: Change, data: bytes) -> New:
    """Lines of messages are counted from the message's first, as the scan does: before it are git's own headers."""
    if kind == b"blob":
        return New(sighting, "file", change.path, change.object, change.before)
    head = data.partition(b"\n\n")[0].split(b"\n")
    if sighting.line > len(head) + 1:
        return New(
            sighting._replace(line=sighting.line - len(head) - 1), _KINDS[kind], "", change.object, change.before
        )
    word = head[min(sighting.line, len(head)) - 1].partition(b" ")[0].decode("utf-8", "replace")
    part = word if word in ("author", "committer", "tagger") else f"{kind.decode()} header"
    return New(sighting._replace(line=0), part, "", change.object, change.before)


def _with_before(by_object: dict[str, list[Change]]) -> Iterator[str]:
    """Each object after the version that was there: what has the same lines need not be judged again."""
    for name, changes in by_object.items():
        if changes[0].replaces and len(changes) == 1:
            yield changes[0].replaces
        yield name


def _as_before(scanner: Scanner, data: bytes, lines: set[bytes]) -> bool:
    """Whether nothing can have come in, so that nothing need be judged. Not for what has to be unpacked."""
    return next(unwrap(data), None) is None and not scanner.may_be_new(data, lines)


def _in_names(scanner: Scanner, changes: Sequence[Change]) -> Iterator[New]:
    """All at once, since hardly ever there is one."""
    if look(scanner, os.fsencode("\n".join(change.path for change in changes)), []):
        for change in changes:
            for each in look(scanner, os.fsencode(change.path), []):
                yield New(each, "file name", change.path, change.object, change.before)


def in_message(scanner: Scanner, text: bytes) -> list[New]:
    """Credentials in a commit's message, without what git cuts off."""
    text = text.split(b"# ------------------------ >8 ------------------------", 1)[0]
    lines = [b"" if line.startswith(b"#") else line for line in text.split(b"\n")]
    return [New(each, "commit message", "", "") for each in look(scanner, b"\n".join(lines), [])]


def _in(scanner: Scanner, path: str, data: bytes) -> list[Sighting]:
    """As the scan of the repository sees it: by its name only where nothing else is found in the file."""
    pieces = [data[max(0, start - _OVERLAP) : start + _PIECE] for start in range(0, max(len(data), 1), _PIECE)]
    found = [each for piece in pieces for each in look(scanner, piece, [])]
    if found or not scanner.names.suspicious(path):
        return found
    return [each for piece in pieces for each in look(scanner, piece, [], path)]


def _contents(names: Iterable[str], optional: bool = False) -> Iterator[tuple[str, bytes, bytes]]:
    """Name as asked for, kind and content. Raises ObjectsMissing; with `optional` leaves out what is not there."""
    names = list(names)
    if not names:
        return
    command = git("cat-file", "--batch", "--buffer")
    with (
        _file(os.fsencode("".join(f"{name}\n" for name in names))) as asked,
        subprocess.Popen(command, stdin=asked, stdout=subprocess.PIPE, env=environment(), bufsize=1 << 20) as answers,
    ):
        assert answers.stdout is not None
        for name in names:
            head = answers.stdout.readline().split()
            if len(head) == 3 and head[2].isdigit() and head[1] in (*_KINDS, b"tree"):
                yield name, head[1], answers.stdout.read(int(head[2]))
                answers.stdout.read(1)
            elif not optional:
                raise ObjectsMissing(f"The object {name} is not here.", "Fetch everything: git fetch --unshallow")


@contextlib.contextmanager
def _file(content: bytes) -> Iterator[IO[bytes]]:
    """A file to read `content` from, which a pipe may not hold; in memory, for tempfile takes long to import."""
    with open(os.memfd_create("seawall"), "r+b") as file:
        file.write(content)
        file.seek(0)
        yield file


def _not_before(scanner: Scanner, found: list[New]) -> Iterator[New]:
    """Asked only where something was found: most commits never come here."""
    asked = {name: each.path for each in found for name in each.before if "\n" not in name}
    known: dict[str, set[str]] = {}
    for name, kind, data in _contents(asked, optional=True):
        if kind == b"blob":
            known.setdefault(name, set()).update(each.hit.secret for each in _in(scanner, asked[name], data))
    seen = set()
    for each in found:
        secret = each.sighting.hit.secret
        was_there = any(name in known and (each.kind == "file name" or secret in known[name]) for name in each.before)
        if not was_there and (secret, each.place) not in seen:
            seen.add((secret, each.place))
            yield each


def not_accepted(found: Sequence[New], top: Path, committed: bool) -> list[tuple[New, Finding]]:
    """Those that the repository's baseline does not name, each with what a report would say. Raises ConfigError.

    What lies among tests and documentation alone, as far as it is new, is for information. What is `committed`
    already may be the same file in several places.
    """
    from seawall.audit import baseline

    places: dict[tuple[str, str], list[Place]] = {}
    for each in found:
        places.setdefault(_key(each), []).append(each.place)
    if committed:
        for each, path in _elsewhere(found, places):
            places[_key(each)].append(each.place._replace(path=path))
    findings = [(each, _finding(each, places[_key(each)])) for each in found]
    file = top / baseline.NAME
    if not file.exists():
        return findings
    counted, _, _ = baseline.split([finding for _, finding in findings], baseline.load(file), date.today())
    return [(each, finding) for each, finding in findings if finding in counted]


def _elsewhere(found: Sequence[New], places: dict[tuple[str, str], list[Place]]) -> list[tuple[New, str]]:
    """Other paths of files that seem to be for information: walking the commits takes its time."""
    from seawall.audit.checks.samples import made_for_tests

    seeming = [
        each for each in found if made_for_tests(each.sighting.hit.rule, each.sighting.hit.sureness, places[_key(each)])
    ]
    edges = {name.partition(":")[0] for each in seeming for name in each.before}
    paths = everywhere({each.object for each in seeming}, edges) if seeming else {}
    return [(each, path) for each in seeming for path in paths.get(each.object, ())]


def _key(each: New) -> tuple[str, str]:
    return each.sighting.hit.rule.id, each.sighting.hit.secret


def _finding(each: New, places: Sequence[Place]) -> Finding:
    from seawall.audit.checks.samples import made_for_tests
    from seawall.audit.fingerprint import of_credential

    hit, rule, identifier = each.sighting.hit, each.sighting.hit.rule, f"secrets/{each.sighting.hit.rule.id}"
    mark, links = of_credential(rule, hit.secret), (rule.rotate,) if rule.rotate else ()
    severity = "information" if made_for_tests(rule, hit.sureness, places) else rule.severity
    return Finding(
        identifier, mark, rule.description, severity, hit.sureness, each.place, each.place, 1, True, (), "", links
    )
