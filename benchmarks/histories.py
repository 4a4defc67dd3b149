"""Synthetic repositories of a given size that look like real ones, with known credentials planted in them.

The text is the standard library's and the installed packages' own, in versions that differ by a few lines, as commits
make them; git packs it with deltas as `git gc` does. Made once: a minute for 1 GB.
    python -m benchmarks.histories 200      # MB of unique blobs
"""

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from benchmarks.measure import RESULTS, progress
from benchmarks.planted import Credential, credentials

HISTORIES = RESULTS / "histories"
SEED = 20231114
PLANTED = 50
SMALLEST, LARGEST = 1_000, 150_000  # bytes of a file
VERSIONS = 14  # of a file, on average
FILES_A_COMMIT = (1, 1, 1, 2, 2, 3, 4, 5, 8, 16)
NEW_FILES = 0.3  # of the commits bring one
LARGE_EDITS = 0.05
SIDE = 25  # commits on main between two branches
PERSON = b"%s <%s@analytical.test> %d +0100"
PEOPLE = (b"Ada", b"Charles", b"Luigi", b"Mary", b"Sophia")


@dataclass(frozen=True)
class Planted:
    """A credential in a history: `commit` brought it in at `path`."""

    rule: str
    secret: str
    path: str
    commit: str


@dataclass(frozen=True)
class History:
    """A bare repository and what is in it."""

    repo: Path
    unique: int  # bytes of all unique blobs together
    blobs: int
    commits: int
    merges: int
    branches: int
    pack: int  # bytes
    planted: list[Planted] = field(default_factory=list)

    def __str__(self) -> str:
        blobs = f"{self.blobs:,} unique blobs of {self.unique / self.blobs / 1000:.1f} kB"
        commits = f"{self.commits:,} commits ({self.merges:,} merges), {self.branches} branches"
        return f"{self.unique / 1e6:,.0f} MB in {blobs}, {commits}, pack {self.pack / 1e6:.0f} MB"


def history(megabytes: int) -> History:
    """The repository with so many MB of unique blobs, from the cache if it was made before."""
    repo = HISTORIES / f"{megabytes}.git"
    record = repo.with_suffix(".json")  # written last, and not into the repository, where it would be found
    if not (record.exists() and repo.exists()):
        planted = [asdict(each) for each in _make(repo, megabytes * 1_000_000)]
        record.write_text(json.dumps({**statistics(repo), "planted": planted}))
    said = json.loads(record.read_text())
    return History(repo, **{**said, "planted": [Planted(**each) for each in said["planted"]]})


def corpus() -> list[tuple[str, bytes]]:
    """Real source files of ordinary size, by their paths; the same on every run on one machine."""
    found: dict[str, bytes] = {}
    library = Path(json.__file__).parents[1]
    packages = Path(sys.prefix) / "lib" / library.name / "site-packages"
    for root, patterns in ((library, ["*.py"]), (packages, ["*.py", "*.js", "*.json"])):
        for pattern in patterns:
            for file in sorted(root.rglob(pattern)):
                if file.is_file() and SMALLEST <= file.stat().st_size <= LARGEST:
                    # some scanners leave out what is below a folder of installed packages
                    name = str(file.relative_to(root)).removeprefix("site-packages/").replace("vendor/", "lib/")
                    found.setdefault(f"src/{name}", file.read_bytes())
    return sorted(found.items())


# Writing it


@dataclass
class _Writer:
    """A stream for git-fast-import(1), and what has been written to it."""

    stream: IO[bytes]
    source: random.Random
    lines: list[bytes]  # of other files, to take new ones from
    files: dict[str, list[bytes]] = field(default_factory=dict)  # newest version on main, or on the open side branch
    mark: int = 0
    written: int = 0  # bytes of blobs
    commits: int = 0
    when: int = 1_400_000_000
    planted: list[tuple[Credential, str, int]] = field(default_factory=list)  # path, mark of the commit

    def blob(self, path: str, lines: list[bytes]) -> bytes:
        """A version of a file; what a commit has to say to take it."""
        data = b"".join(lines)
        self.files[path] = lines
        self.mark += 1
        self.written += len(data)
        self.stream.write(b"blob\nmark :%d\ndata %d\n%s\n" % (self.mark, len(data), data))
        return b"M 100644 :%d %s\n" % (self.mark, path.encode())

    def edit(self, path: str) -> bytes:
        """A version with a few lines replaced, added and removed."""
        lines, pick = list(self.files[path]), self.source
        hunks = 40 if pick.random() < LARGE_EDITS else pick.choice((1, 1, 2, 2, 3, 5, 9))
        for _ in range(hunks):
            at, old, new = pick.randrange(len(lines) + 1), pick.randrange(4), pick.randrange(7)
            begin = pick.randrange(len(self.lines) - new)
            lines[at : at + old] = self.lines[begin : begin + new]
        lines.append(b"# %d\n" % self.mark)  # so that no two versions are the same
        if len(lines) > 1 and lines[-2].startswith(b"# "):
            del lines[-2]
        return self.blob(path, lines)

    def commit(self, branch: str, changes: list[bytes], parents: tuple[int, ...] = ()) -> int:
        self.mark += 1
        self.commits += 1
        self.when += self.source.randrange(60, 20_000)
        name = self.source.choice(PEOPLE)
        person = PERSON % (name, name.lower(), self.when)
        message = b"Change %d\n\n%s" % (self.commits, self.source.choice(self.lines))
        self.stream.write(b"commit refs/heads/%s\nmark :%d\n" % (branch.encode(), self.mark))
        self.stream.write(b"author %s\ncommitter %s\ndata %d\n%s\n" % (person, person, len(message), message))
        for word, parent in zip((b"from", b"merge"), parents, strict=False):
            self.stream.write(b"%s :%d\n" % (word, parent))
        self.stream.write(b"".join(changes) + b"\n")
        if self.commits % 200 == 0:
            self.stream.write(b"reset refs/tags/v%d\nfrom :%d\n\n" % (self.commits, self.mark))
        return self.mark


def _make(repo: Path, size: int) -> list[Planted]:
    """Writes the repository anew and packs it; what was planted."""
    subprocess.run(["rm", "-rf", str(repo)], check=True)
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(repo)], check=True)
    command = ["git", "-C", str(repo), "-c", "core.compression=1", "fast-import", "--quiet", "--export-marks=marks"]
    files, source = corpus(), random.Random(SEED)
    source.shuffle(files)
    lines = [line for _, data in files[:400] for line in data.splitlines(keepends=True)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        writer = _Writer(process.stdin, source, lines)
        _write(writer, files, size)
        process.stdin.close()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    pack(repo)
    marks = dict(line.split() for line in (repo / "marks").read_text().splitlines())
    (repo / "marks").unlink()
    return [Planted(each.rule, each.secret, path, marks[f":{mark}"]) for each, path, mark in writer.planted]


def pack(repo: Path) -> None:
    """One pack of everything that refs reach, with deltas as `git gc` makes them."""
    progress(f"{repo.name}: packing")
    repack = ["git", "-C", str(repo), "-c", "pack.threads=2", "repack", "-adfq", "--window=10", "--depth=50"]
    subprocess.run(repack, check=True)
    progress("")


def _write(writer: _Writer, files: list[tuple[str, bytes]], size: int) -> None:
    """First a tree, then changes to it until all blobs together have `size` bytes."""
    first: list[bytes] = []
    while writer.written < size / VERSIONS:
        path, data = files.pop()
        first.append(writer.blob(path, data.splitlines(keepends=True)))
    tip = writer.commit("main", first)
    to_plant = credentials(writer.source, PLANTED)
    every = (size - writer.written) / (len(to_plant) + 1)
    due = writer.written + every
    for number, changes in enumerate(_changes(writer, files, size)):
        if to_plant and writer.written > due:
            tip = _plant(writer, to_plant.pop(), tip)
            due += every
        tip = writer.commit("main", changes, (tip,))
        if number % SIDE == SIDE - 1:
            tip = _side(writer, number, tip)


def _changes(writer: _Writer, files: list[tuple[str, bytes]], size: int) -> Iterator[list[bytes]]:
    """What each commit changes. Some files change much more often than others, as in real projects; some are new."""
    paths = list(writer.files)
    while writer.written < size:
        new = [files.pop()] if files and writer.source.random() < NEW_FILES else []
        count = min(len(paths), writer.source.choice(FILES_A_COMMIT))
        chosen = {paths[int(len(paths) * writer.source.random() ** 2)] for _ in range(count)}
        progress(f"{writer.written / size:.0%} of {size / 1e6:.0f} MB")
        added = [writer.blob(path, data.splitlines(keepends=True)) for path, data in new]
        yield [*added, *(writer.edit(path) for path in sorted(chosen))]
        paths += [path for path, _ in new]


def _side(writer: _Writer, number: int, tip: int) -> int:
    """A branch of some commits, merged but for every tenth; the new tip of main."""
    name, paths, before, side = f"topic-{number}", writer.source.sample(list(writer.files), 4), dict(writer.files), tip
    merged: dict[str, bytes] = {}
    for path in paths:
        merged[path] = writer.edit(path)
        side = writer.commit(name, [merged[path]], (side,))
    if number // SIDE % 10 == 9:
        writer.files = before
        return tip
    tip = writer.commit("main", [writer.edit(next(path for path in writer.files if path not in paths))], (tip,))
    tip = writer.commit("main", list(merged.values()), (tip, side))
    writer.stream.write(b"reset refs/heads/%s\nfrom %s\n\n" % (name.encode(), b"0" * 40))
    return tip


def _plant(writer: _Writer, credential: Credential, tip: int) -> int:
    """A commit that brings a credential into one file; half of them are removed by the next, the others stay."""
    path = writer.source.choice(list(writer.files))
    before = writer.files[path]
    at = writer.source.randrange(len(before) + 1)
    after = [*before[:at], *credential.text.encode().splitlines(keepends=True), *before[at:]]
    tip = writer.commit("main", [writer.blob(path, after)], (tip,))
    writer.planted.append((credential, path, tip))
    if len(writer.planted) % 2:
        writer.files[path] = before
        tip = writer.commit("main", [writer.edit(path)], (tip,))
    return tip


def statistics(repo: Path) -> dict[str, int]:
    """What a `History` says of a bare repository, but for what was planted."""

    def ask(*arguments: str) -> list[str]:
        done = subprocess.run(["git", "-C", str(repo), *arguments], capture_output=True, check=True, text=True)
        return done.stdout.splitlines()

    listed = ask("cat-file", "--batch-all-objects", "--unordered", "--batch-check=%(objecttype) %(objectsize)")
    sizes = [int(size) for kind, size in (line.split() for line in listed) if kind == "blob"]
    return {
        "unique": sum(sizes),
        "blobs": len(sizes),
        "commits": len(ask("rev-list", "--all")),
        "merges": len(ask("rev-list", "--all", "--merges")),
        "branches": len(ask("for-each-ref", "refs/heads")),
        "pack": sum(file.stat().st_size for file in repo.glob("objects/pack/*.pack")),
    }


if __name__ == "__main__":
    for wanted in sys.argv[1:]:
        began = time.monotonic()
        print(f"{wanted}: {history(int(wanted))}, {time.monotonic() - began:.0f} s")
