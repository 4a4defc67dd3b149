"""Whether the C library's sieve lets everything through that holds a credential: object by object, on real packs."""

import subprocess
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

from seawall.audit.history import git as seawall_git
from seawall.audit.history.packed import Pack, Sieve, packs
from seawall.audit.secrets.deep import look
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


def passed(repo: Path, rules: Scanner) -> set[str]:
    """Names of objects that are looked at as a whole."""
    found: set[str] = set()
    repository = seawall_git.find(repo)
    assert repository is not None
    there = packs(repository)
    assert there, "the library is to be built for these tests"
    for pack in there:
        found |= {pack.name(number) for number in sifted(pack, rules)}
    return found


def sifted(pack: Pack, rules: Scanner) -> Iterable[int]:
    """Numbers of objects that are looked at as a whole."""
    sieve = Sieve(pack, rules)
    for _, first, last in pack.parts():
        suspects = sieve.suspects(first, last)
        yield from suspects.left
        yield from (number for number, _ in sieve.contents(suspects))


def missed(repo: Path, rules: Scanner) -> dict[str, bytes]:
    """Objects in which something is, or something that could not be looked into, that are not looked at."""
    there, found = passed(repo, rules), {}
    for name, data in contents(repo):
        gaps: list[str] = []
        if name not in there and (look(rules, data, gaps) or gaps):
            found[name] = data
    return found
