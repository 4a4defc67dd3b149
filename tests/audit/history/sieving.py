"""What a scan that reads packs itself sees, object by object, and what there is to see."""

import subprocess
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

from seawall.audit.history import git as seawall_git
from seawall.audit.history.git import Repository
from seawall.audit.history.objects import Chunk
from seawall.audit.history.packed import Pack, packs
from seawall.audit.history.reader import Reader
from seawall.audit.secrets.deep import look
from seawall.audit.secrets.found import Sighting
from seawall.audit.secrets.rules import load
from seawall.audit.secrets.scanner import Scanner
from tests.audit.history.repository import environment, git


@cache
def scanner() -> Scanner:
    """Of our own rules."""
    return Scanner(*load())


def repacked(path: Path, files: Sequence[Sequence[bytes]], depth: int = 50) -> Path:
    """A bare repository in whose one pack each of `files` has all its versions, most of them as deltas."""
    path.mkdir(parents=True)
    git(path, "init", "-q", "--bare", "-b", "main")
    stream, mark = bytearray(), 0
    for versions in files:
        for version in versions:
            mark += 1
            stream += b"blob\nmark :%d\ndata %d\n" % (mark, len(version)) + version + b"\n"
    stream += b"commit refs/heads/main\ncommitter A <a@a.test> 1700000000 +0000\ndata 0\n"
    numbers = iter(range(1, mark + 1))
    for number, versions in enumerate(files):
        for version in range(len(versions)):
            stream += b"M 100644 :%d %d/file%d.txt\n" % (next(numbers), version, number)
    git(path, "fast-import", "--quiet", data=bytes(stream))
    git(path, "repack", "-q", "-adf", f"--depth={depth}", "--window=10")
    return path


def deltas(repo: Path) -> int:
    """How many objects are stored as differences."""
    lines = git(repo, "cat-file", "--batch-all-objects", "--batch-check=%(deltabase)").split()
    return sum(1 for line in lines if line.strip("0"))


def contents(repo: Path) -> Iterator[tuple[str, bytes]]:
    """Every object but trees, by name."""
    command = ["git", "-C", str(repo), "cat-file", "--batch-all-objects", "--batch", "--buffer"]
    rest = memoryview(subprocess.run(command, capture_output=True, check=True, env=environment()).stdout)
    while rest:
        head, _, _ = bytes(rest[:200]).partition(b"\n")
        name, kind, size = head.decode().split()
        first = len(head) + 1
        if kind != "tree":
            yield name, bytes(rest[first : first + int(size)])
        rest = rest[first + int(size) + 1 :]


Told = tuple[set[tuple[object, ...]], set[str]]  # sightings; what could not be looked into


def told(sightings: Iterable[Sighting], gaps: Iterable[str]) -> Told:
    """All that is told of an object but where in what was looked at a sighting is."""
    found = {
        (
            each.hit.rule.id,
            each.hit.secret,
            each.hit.sureness,
            each.within,
            each.line,
            each.excerpt,
            each.at,
            each.beside,
        )
        for each in sightings
    }
    return found, set(gaps)


def sieved(pack: Pack, rules: Scanner, repository: Repository | None = None) -> dict[str, Told]:
    """What is seen in each object in which something is, as a scan does it."""
    reader, found = Reader(repository, rules, [pack]), dict[str, tuple[list[Sighting], list[str]]]()
    for weight, first, last in pack.parts():
        seen = reader.read(Chunk(weight, part=(0, first, last)))
        for name, _, sighting in seen.sightings:
            found.setdefault(name, ([], []))[0].append(sighting)
        for name, gap in seen.gaps:
            found.setdefault(name, ([], []))[1].append(gap)
    reader.close()
    return {name: told(*each) for name, each in found.items()}


def differing(repo: Path, rules: Scanner) -> dict[str, bytes]:
    """Objects in which a scan with the library sees something else than there is."""
    repository = seawall_git.find(repo)
    assert repository is not None
    (pack,) = packs(repository)
    there, found = sieved(pack, rules, repository), {}
    for name, data in contents(repo):
        gaps: list[str] = []
        if there.get(name, (set(), set())) != told(look(rules, data, gaps), gaps):
            found[name] = data
    return found
