"""What refs and the index name themselves: where everything that is not lost begins."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

from seawall.audit.history.git import Repository
from seawall.errors import RepositoryUnusable

_FORMAT = "%(objectname) %(*objectname) %(objecttype) %(*objecttype) %(refname)"


class Ref(NamedTuple):
    """A ref, and the object it names; of a tag that has an object of its own, what that names."""

    name: str
    object: str
    kind: str
    peeled: str  # an object, or empty
    peeled_kind: str


class Roots:
    """Of `repository`, each asked of git once."""

    def __init__(self, repository: Repository) -> None:
        self.repository = repository

    @cached_property
    def refs(self) -> list[Ref]:
        """Every ref. Raises RepositoryUnusable."""
        try:
            lines = self.repository.listed("for-each-ref", f"--format={_FORMAT}")
        except RepositoryUnusable:  # one names what is not there
            return self._damaged
        found = []
        for line in lines:
            object, peeled, kind, peeled_kind, name = line.split(" ", 4)
            found.append(Ref(name, object, kind, peeled, peeled_kind))
        return found

    @property
    def _damaged(self) -> list[Ref]:
        """The same without asking git to read what they name. Where it is not there, the kind is "missing"."""
        lines = self.repository.listed("for-each-ref", "--format=%(objectname) %(refname)")
        named = [line.split(" ", 1) for line in lines]
        asked = "".join(f"{object}\n{object}^{{}}\n" for object, _ in named).encode()
        answers = self.repository.run("cat-file", "--batch-check=%(objectname) %(objecttype)", input=asked)
        words = iter(answers.decode().split())
        told = zip(words, words, words, words, strict=True)
        return [
            Ref(name, object, kind, peeled if kind == "tag" else "", peeled_kind if kind == "tag" else "")
            for (object, name), (_, kind, peeled, peeled_kind) in zip(named, told, strict=True)
        ]

    @cached_property
    def tips(self) -> set[str]:
        """Commits: HEAD, and what branches name, those of remotes too."""
        head = self.repository.try_run("rev-parse", "--verify", "-q", "HEAD^{commit}").decode().split()
        branches = [ref for ref in self.refs if ref.name.startswith(("refs/heads/", "refs/remotes/"))]
        return {
            *head,
            *(ref.object for ref in branches if ref.kind == "commit"),
            *(ref.peeled for ref in branches if ref.peeled_kind == "commit"),
        }

    @cached_property
    def _index(self) -> list[bytes]:
        if not self.repository.work_tree:
            return []
        return self.repository.run("ls-files", "--stage", "-z").split(b"\0")

    @cached_property
    def staged(self) -> dict[str, str]:
        """The objects in the index, each with a path."""
        return _paths(_own(self._index))

    def staged_names(self) -> bytes:
        """Every path in the index, a line each."""
        return b"\n".join(entry.partition(b"\t")[2] for entry in self._index)

    def ref_names(self) -> bytes:
        """Every ref's name, a line each."""
        return "\n".join(ref.name for ref in self.refs).encode("utf-8", "surrogateescape")

    @cached_property
    def tagged(self) -> dict[str, str]:
        """Objects that refs name, or have in a tree that they name, without any commit; each with a path or the ref."""
        found: dict[str, str] = {}
        for ref in self.refs:
            if "commit" in (ref.kind, ref.peeled_kind):
                continue
            name = self.repository.try_run("rev-parse", "--verify", "-q", f"{ref.name}^{{}}").decode().strip()
            entries = self.repository.try_run("ls-tree", "-r", "-t", "-z", name).split(b"\0")
            found |= {name: ref.name} | _paths(_own(entries))
        return found

    def names(self) -> set[str]:
        """All objects, and what is in trees that tags name."""
        return {*(ref.object for ref in self.refs), *self.staged, *filter(None, self.tagged)}


def _own(entries: Iterable[bytes]) -> Iterator[bytes]:
    """Without submodules, whose objects are in other repositories."""
    return (entry for entry in entries if not entry.startswith(b"160000"))


def _paths(entries: Iterable[bytes]) -> dict[str, str]:
    """Of `mode [type] object [stage]<tab>path`."""
    found = {}
    for entry in filter(None, entries):
        about, _, path = entry.partition(b"\t")
        name = max(about.split(), key=len)
        found[name.decode()] = path.decode("utf-8", "replace")
    return found
