"""Objects read and written in bulk: thousands of trees and commits in one stream, and one pack out."""

import hashlib
import re
import subprocess
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from seawall.audit.history.git import Repository, environment
from seawall.errors import RepositoryUnusable

SUBMODULE, TREE = b"160000", b"40000"  # modes in trees
_TYPES = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}
_BLOCK = 1 << 20


def contents(repository: Repository, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Each object's name and content, in this order. Raises RepositoryUnusable where one is missing."""
    with tempfile.TemporaryFile() as asked:  # a pipe would fill up while git waits for us to read
        asked.write("".join(f"{name}\n" for name in names).encode())
        asked.seek(0)
        command = repository.command("cat-file", "--batch", "--buffer")
        with subprocess.Popen(command, stdin=asked, stdout=subprocess.PIPE, env=environment(), bufsize=_BLOCK) as git:
            assert git.stdout is not None
            while head := git.stdout.readline():
                name, _, size = head.decode().rpartition(" ")
                if size == "missing\n":
                    raise RepositoryUnusable(f"The object {name} is missing in {repository.path}.", "See: git fsck")
                yield name.partition(" ")[0], git.stdout.read(int(size))
                git.stdout.read(1)


def entries(tree: bytes, width: int) -> list[tuple[bytes, bytes, bytes]]:
    """Mode, name and object (`width` raw bytes) of each entry."""
    return re.findall(rb"(\d+) ([^\0]+)\0(.{%d})" % width, tree, re.DOTALL)


def written(tree: list[tuple[bytes, bytes, bytes]]) -> bytes:
    """A tree of such entries, in git's order, in which a folder's name ends with /."""
    tree.sort(key=lambda each: each[1] + (b"/" if each[0] == TREE else b""))
    return b"".join(mode + b" " + name + b"\0" + raw for mode, name, raw in tree)


@dataclass
class Rewritten:
    """New names by old ones, and which commits and tags were signed and no longer are."""

    new: dict[str, str] = field(default_factory=dict)
    unsigned: list[str] = field(default_factory=list)

    def name(self, old: str) -> str:
        """What an object is called now."""
        return self.new.get(old, old)


class Pack:
    """New objects, written to a pack that `git index-pack` takes in (git's documentation, gitformat-pack)."""

    def __init__(self, algorithm: str) -> None:
        self.algorithm = algorithm  # "sha1" or "sha256"
        self._file = tempfile.TemporaryFile()  # noqa: SIM115, lives as long as this
        self._count = 0

    def add(self, kind: str, content: bytes) -> str:
        """Put an object in; its name."""
        size = len(content)
        head = bytearray([_TYPES[kind] << 4 | size & 15])
        size >>= 4
        while size:
            head[-1] |= 0x80
            head.append(size & 0x7F)
            size >>= 7
        self._file.write(head + zlib.compress(content, 1))
        self._count += 1
        return hashlib.new(self.algorithm, b"%s %d\0" % (kind.encode(), len(content)) + content).hexdigest()

    def store(self, repository: Repository) -> None:
        """Put all of them into the repository."""
        digest = hashlib.new(self.algorithm)
        git = repository.start("index-pack", "--stdin")
        assert git.stdin is not None
        self._file.seek(0)
        with git:
            block = b"PACK" + (2).to_bytes(4, "big") + self._count.to_bytes(4, "big")
            while block:
                digest.update(block)
                git.stdin.write(block)
                block = self._file.read(_BLOCK)
            git.stdin.write(digest.digest())
            git.stdin.close()
            assert git.stdout is not None
            git.stdout.read()
        self._file.close()
        if git.returncode:
            raise RepositoryUnusable("git index-pack did not take the rewritten objects in.")


def empty(repository: Path) -> None:
    """The folders that git wants to find where it shall put objects and refs."""
    for folder in ("objects/pack", "objects/info", "refs/heads", "refs/tags"):
        (repository / folder).mkdir(parents=True, exist_ok=True)
