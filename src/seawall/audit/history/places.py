"""Where each credential was seen: commit, path, author and date of every place, and whether it is still in a tip."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

from seawall.audit.finding import Place, Sureness
from seawall.audit.history.commits import Commit, Log
from seawall.audit.history.files import kind
from seawall.audit.history.git import Repository
from seawall.audit.history.roots import Roots
from seawall.audit.history.seen import Seen
from seawall.audit.secrets.found import ORDER, Sighting
from seawall.audit.secrets.rules import FileRule, Rule


@dataclass
class Credential:
    """One secret, wherever it was seen."""

    rule: Rule | FileRule
    secret: str
    sureness: Sureness
    sighting: Sighting  # of the newest place
    places: list[Place] = field(default_factory=list)  # oldest first
    in_tip: bool = False


def credentials(seen: Seen, places: "Places") -> list[Credential]:
    """What was seen, each secret once. Two runs agree, in whatever order they read."""
    found: dict[tuple[str, str], Credential] = {}
    newest: dict[tuple[str, str], tuple[int, str, int]] = {}
    for name, what, sighting in seen.sightings:
        hit = sighting.hit
        key = hit.rule.id, hit.secret
        there = list(places.of(name, what, sighting))
        credential = found.setdefault(key, Credential(hit.rule, hit.secret, hit.sureness, sighting))
        credential.sureness = min(credential.sureness, hit.sureness, key=ORDER.__getitem__)
        credential.places += there
        credential.in_tip |= places.in_tip(name, what)
        last = max(map(places.order, there))
        if key not in newest or last > newest[key]:
            newest[key], credential.sighting = last, sighting
    for credential in found.values():
        credential.places = sorted(dict.fromkeys(credential.places), key=places.order)
    return list(found.values())


class Places:
    """What the history says of the objects that were seen."""

    def __init__(
        self,
        repository: Repository | None,
        folder: Path,
        seen: Seen,
        log: Log | None = None,
        roots: Roots | None = None,
    ) -> None:
        self.repository = repository
        self.folder = folder
        self.texts = seen.texts
        self.log = log
        named = {sighting.hit.secret for _, what, sighting in seen.sightings if what in ("tree", "path", "index")}
        wanted = {name for name, what, _ in seen.sightings if what in ("blob", "tree")}
        self.names = log.naming(named) if log else {}
        self.objects = log.introductions(wanted) if log and wanted else {}
        self.staged = roots.staged if roots and wanted else {}
        self.tagged = roots.tagged if roots and wanted else {}
        self.tips = log.in_tips(wanted) | (wanted & self.staged.keys()) if log and wanted else set()

    def order(self, place: Place) -> tuple[int, str, int]:
        """Oldest first; what is in no commit is newest."""
        return -self.log.order.get(place.commit, -1) if self.log else 1, place.path, place.line

    def in_tip(self, name: str, what: str) -> bool:
        return what in ("file", "ref", "index") or name in self.tips

    def of(self, name: str, what: str, sighting: Sighting) -> Iterator[Place]:
        """Every place where the object stands."""
        match what:
            case "blob":
                there = self.objects.get(name)
                for each in there or ():
                    yield each.place(sighting.line, sighting.within, sighting.docstring)
                if not there:
                    kind, path = self._elsewhere(name)
                    yield Place(kind, path, sighting.line, sighting.within, docstring=sighting.docstring)
            case "tree" | "path" | "index":
                there = self.names.get(sighting.hit.secret)
                for each in there or ():
                    yield Place("file name", each.path, 0, (), each.commit.name, each.commit.author, each.commit.date)
                if not there:
                    yield Place("file name", f"in tree {name}" if name else sighting.excerpt)
            case "commit":
                yield self._commit(name, sighting)
            case "tag":
                yield _tag(self.texts[name].decode("utf-8", "replace"), name, sighting)
            case "ref":
                yield Place("ref name", sighting.excerpt)
            case _:
                yield self._file(Path(name), sighting)

    def _elsewhere(self, name: str) -> tuple[str, str]:
        """What an object is that no commit has, and its path or name."""
        if name in self.staged:
            return "staged file", self.staged[name]
        return ("file", self.tagged[name]) if name in self.tagged else ("unreachable object", name)

    def _commit(self, name: str, sighting: Sighting) -> Place:
        part, line = _part(self.texts[name].decode("utf-8", "replace"), sighting.line, "commit message")
        assert self.log is not None
        commit = self.log.commits.get(name) or Commit(name, "", "", "")  # git could not read its neighbours
        return Place(part, "", line, sighting.within, name, commit.author, commit.date)

    def _file(self, path: Path, sighting: Sighting) -> Place:
        if self.repository:
            for top in (self.repository.git_dir, self.repository.common_dir):
                if top in path.parents:
                    inside = path.relative_to(top)
                    return Place(kind(inside), f".git/{inside}", sighting.line, sighting.within)
        top = (self.repository and self.repository.work_tree) or self.folder
        name = str(path.relative_to(top)) if top in path.parents else str(path)
        return Place("file", name, sighting.line, sighting.within, docstring=sighting.docstring)


def _part(text: str, line: int, message: str) -> tuple[str, int]:
    """Which part of a commit or tag a line is in, and its number there."""
    lines = text.split("\n")
    end = lines.index("") if "" in lines else len(lines)
    if line > end:
        return message, line - end - 1
    while line > 1 and lines[line - 1].startswith(" "):  # a header goes on
        line -= 1
    header = lines[line - 1].partition(" ")[0]
    return {"author": "author", "committer": "committer", "tagger": "tagger"}.get(header, f"{header} header"), 0


_TAGGER = re.compile(r"^tagger (.*>) (\d+) ([+-])(\d\d)(\d\d)$", re.MULTILINE)


def _tag(text: str, name: str, sighting: Sighting) -> Place:
    part, line = _part(text, sighting.line, "tag message")
    tag = re.search(r"^tag (.*)$", text, re.MULTILINE)
    author, date = "", ""
    if tagger := _TAGGER.search(text):
        author, seconds, sign, hours, minutes = tagger.groups()
        offset = timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if sign == "-" else 1)
        date = datetime.fromtimestamp(int(seconds), timezone(offset)).isoformat()
    return Place(part, f"tag {tag[1]}" if tag else "", line, sighting.within, name, author, date)
