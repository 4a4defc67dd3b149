"""What has to change: the objects that hold a secret, and everything that names one of those, up to the refs."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from seawall.audit.history.git import Repository
from seawall.audit.history.objects import Listed, chunks, objects
from seawall.audit.history.reader import read
from seawall.audit.history.wipe.contents import SUBMODULE, contents, entries
from seawall.audit.history.wipe.literals import Literals

_PARENT = re.compile(rb"^parent ([0-9a-f]+)$", re.MULTILINE)
_TARGET = re.compile(rb"object ([0-9a-f]+)\n")


@dataclass(frozen=True)
class Ref:
    """A ref; `symbolic` is the one it stands for, if it does."""

    name: str
    object: str
    symbolic: str


@dataclass
class Plan:
    """Names of the objects that must be replaced, by kind, and the commits' and tags' contents."""

    repository: Repository
    refs: list[Ref]
    stash: list[str]  # lines of its reflog, oldest first
    holding: set[str] = field(default_factory=set)  # objects that hold a secret themselves
    blobs: set[str] = field(default_factory=set)
    trees: set[str] = field(default_factory=set)
    commits: dict[str, bytes] = field(default_factory=dict)  # in order: parents first
    tags: dict[str, bytes] = field(default_factory=dict)
    history: int = 0  # commits in all that refs lead to
    renamed: list[str] = field(default_factory=list)  # refs with a secret in their name

    @cached_property
    def tips(self) -> list[Ref]:
        """The refs that will point to something else."""
        changed = self.blobs | self.trees | set(self.commits) | set(self.tags)
        return [ref for ref in self.refs if ref.object in changed]

    def paths(self) -> dict[str, str]:
        """A path of each changed file that refs lead to."""
        if not self.blobs:
            return {}
        lines = self.repository.lines("rev-list", "--objects", "--all")
        pairs = (os.fsdecode(line.rstrip(b"\n")).partition(" ") for line in lines)
        return {name: path for name, _, path in pairs if name in self.blobs}

    @property
    def empty(self) -> bool:
        """Whether no object that a ref leads to, and no ref's name, holds a secret."""
        return not (self.tips or self.renamed or self.stash_changes)

    @property
    def stash_changes(self) -> bool:
        """Whether an older stash changes, which is in a reflog alone."""
        return any(line.split()[1] in self.commits for line in self.stash)


def plan(repository: Repository, literals: Literals, processes: int) -> Plan:
    """Look through all objects, and follow what names what. Nothing is written."""
    listed = objects(repository)
    made = Plan(repository, refs(repository), _stash(repository))
    for part in read(repository, literals, chunks(listed), processes):
        made.holding |= {name for name, _, _ in part.sightings}
    kinds = {each.name: each.kind for each in listed}
    made.blobs = {name for name in made.holding if kinds[name] == "blob"}
    made.trees = _trees(repository, listed, made)
    _commits(repository, listed, made)
    _tags(repository, listed, made)
    names = repository.listed("for-each-ref", "--format=%(refname)")
    made.renamed = [name for name in names if literals.scan_all(name.encode("utf-8", "surrogateescape"))[0]]
    return made


def refs(repository: Repository) -> list[Ref]:
    """Every ref, and HEAD where it is detached."""
    lines = repository.listed("for-each-ref", "--format=%(objectname) %(refname) %(symref)")
    found = [Ref(name, target, symbolic) for target, name, symbolic in (line.split(" ") for line in lines)]
    head = repository.try_run("rev-parse", "--verify", "-q", "HEAD").decode().strip()
    if head and not repository.try_run("symbolic-ref", "-q", "HEAD"):
        found.append(Ref("HEAD", head, ""))
    return found


def _stash(repository: Repository) -> list[str]:
    log = repository.common_dir / "logs" / "refs" / "stash"
    return log.read_text("utf-8", "surrogateescape").split("\n")[:-1] if log.exists() else []


def _trees(repository: Repository, listed: list[Listed], made: Plan) -> set[str]:
    """Those with a changed entry, however deep."""
    names = [each.name for each in listed if each.kind == "tree"]
    blobs = {bytes.fromhex(name) for name in made.blobs}
    above: dict[bytes, list[bytes]] = {}  # tree → trees that it is in
    changed = []
    for name, content in contents(repository, names):
        raw = bytes.fromhex(name)
        inside = {each for mode, _, each in entries(content, len(raw)) if mode != SUBMODULE}
        for each in inside:
            above.setdefault(each, []).append(raw)
        if name in made.holding or not blobs.isdisjoint(inside):
            changed.append(raw)
    return {raw.hex() for raw in _closure(changed, above)}


def _closure(start: Iterable[bytes], above: dict[bytes, list[bytes]]) -> set[bytes]:
    found, left = set(start), list(start)
    while left:
        more = [each for each in above.get(left.pop(), ()) if each not in found]
        found.update(more)
        left += more
    return found


def _commits(repository: Repository, listed: list[Listed], made: Plan) -> None:
    """Those with a changed tree or parent or text of their own, among those that will be kept."""
    names = [each.name for each in listed if each.kind == "commit"]
    texts = dict(contents(repository, names))
    tags = dict(contents(repository, [each.name for each in listed if each.kind == "tag"]))
    tips = [peeled(ref.object, tags) for ref in made.refs] + [line.split()[1] for line in made.stash]
    order = _parents_first([tip for tip in tips if tip in texts], texts)
    made.history = len(order)
    for name in order:
        tree = texts[name][5 : texts[name].index(b"\n")].decode()
        if name in made.holding or tree in made.trees or any(each in made.commits for each in parents(texts[name])):
            made.commits[name] = texts[name]


def parents(commit: bytes) -> list[str]:
    """Names of a commit's parents."""
    return [name.decode() for name in _PARENT.findall(commit[: commit.index(b"\n\n") + 1])] if b"\n\n" in commit else []


def peeled(name: str, tags: dict[str, bytes]) -> str:
    """What a tag, or a tag of tags, stands for."""
    while name in tags:
        name = target(tags[name])
    return name


def target(tag: bytes) -> str:
    """The object a tag is of."""
    match = _TARGET.match(tag)
    assert match is not None, "git wrote a tag of nothing"
    return match[1].decode()


def _parents_first(tips: list[str], texts: dict[str, bytes]) -> list[str]:
    order: dict[str, None] = {}
    left = [(tip, False) for tip in tips]
    while left:
        name, ready = left.pop()
        if name in order:
            continue
        if ready:
            order[name] = None
        else:
            left.append((name, True))
            left += [(each, False) for each in parents(texts[name]) if each not in order]
    return list(order)


def _tags(repository: Repository, listed: list[Listed], made: Plan) -> None:
    tags = dict(contents(repository, [each.name for each in listed if each.kind == "tag"]))
    changed = made.blobs | made.trees | set(made.commits)

    def changes(name: str) -> bool:
        return name in made.holding or name in changed or (name in tags and changes(target(tags[name])))

    made.tags = {name: text for name, text in tags.items() if changes(name)}
