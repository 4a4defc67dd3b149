"""The C library under sanitizers on packs that are damaged: it gives up what it cannot read, and no more happens."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.audit.history.driving import built, run
from tests.audit.history.packing import FANOUT, HEADER, write
from tests.audit.history.repository import add, commit, git, new, put

TEXT = b"".join(b"line %d of the analytical engine\n" % number for number in range(200))
DAMAGES = 60  # of one kind


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("driver"))


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """A pack and an index that git made, with deltas."""
    repo, source = new(tmp_path_factory.mktemp("real") / "repo"), random.Random(5)
    lines = TEXT.splitlines(keepends=True)
    commits = []
    for number in range(40):
        lines.insert(source.randrange(len(lines)), b"version %d\n" % number)
        del lines[source.randrange(len(lines))]
        more = {"parents": ()} if number else {}
        commits.append(commit("refs/heads/main", put("text", b"".join(lines)), **more))
    add(repo, *commits)
    git(repo, "tag", "-m", "One", "one")
    git(repo, "repack", "-q", "-adf", "--depth=50", "--window=10")
    (file,) = (repo / ".git" / "objects" / "pack").glob("*.pack")
    assert "chain length = 5" in git(repo, "verify-pack", "-v", str(file))
    return file.read_bytes(), file.with_suffix(".idx").read_bytes()


def test_a_pack_that_is_whole(driver: Path, real: tuple[bytes, bytes], tmp_path: Path) -> None:
    (read,) = run(driver, [write(tmp_path, *real)])
    assert read is not None
    assert (read.objects, read.left, read.whole) == (real[0][11], 0, real[0][11])
    assert 60 < read.gone_through < read.objects, "all but trees"
    assert read.followed > 20
    assert read.brought_in > 40


# Damages. The pack's checksum is what the index says it is: else it would not be looked at.


def _flip(text: bytes, source: random.Random, first: int, last: int) -> bytes:
    damaged = bytearray(text)
    for _ in range(source.choice((1, 1, 3, 20))):
        damaged[source.randrange(first, last)] = source.choice((0, 1, 0x7F, 0x80, 0xFF, source.randrange(256)))
    return bytes(damaged)


def flipped_pack(pack: bytes, index: bytes, source: random.Random) -> tuple[bytes, bytes]:
    return _flip(pack[:-20], source, 12, len(pack) - 20) + pack[-20:], index


def flipped_heads(pack: bytes, index: bytes, source: random.Random) -> tuple[bytes, bytes]:
    """In the first bytes of objects: kinds, sizes, bases."""
    count = int.from_bytes(pack[8:12], "big")
    offsets = index[HEADER + FANOUT + 24 * count :][: 4 * count]
    damaged = bytearray(pack)
    for _ in range(source.choice((1, 5, 30))):
        number = source.randrange(count)
        offset = int.from_bytes(offsets[4 * number : 4 * number + 4], "big")
        damaged[offset + source.randrange(4)] = source.randrange(256)
    return bytes(damaged[:-20]) + pack[-20:], index


def flipped_index(pack: bytes, index: bytes, source: random.Random) -> tuple[bytes, bytes]:
    count = pack[8:12]
    damaged = bytearray(_flip(index, source, HEADER, len(index) - 40))
    damaged[HEADER + FANOUT - 4 : HEADER + FANOUT] = count
    return pack, bytes(damaged)


def flipped_offsets(pack: bytes, index: bytes, source: random.Random) -> tuple[bytes, bytes]:
    """Twice the same, into the midst of others, large ones that are not there."""
    count = int.from_bytes(pack[8:12], "big")
    first = HEADER + FANOUT + 24 * count
    damaged = bytearray(index)
    for _ in range(source.choice((1, 5))):
        at, other = (first + 4 * source.randrange(count) for _ in range(2))
        damaged[at : at + 4] = source.choice(
            (damaged[other : other + 4], source.randrange(12, len(pack)).to_bytes(4, "big"), b"\x80\0\0\0", b"\xff" * 4)
        )
    return pack, bytes(damaged)


def fewer_bytes(pack: bytes, index: bytes, source: random.Random) -> tuple[bytes, bytes]:
    if source.random() < 0.5:
        return pack[: source.randrange(12, len(pack))] + pack[-20:], index
    if source.random() < 0.5:
        return pack[: -20 - source.randrange(9)] + pack[-20:], index  # of the last object alone
    return pack, index[: source.randrange(len(index))] + index[-40:]


def more_objects(pack: bytes, index: bytes, source: random.Random) -> tuple[bytes, bytes]:
    """Than there are, or fewer."""
    count = source.choice((b"\xff" * 4, b"\x7f\xff\xff\xff", b"\0\0\0\0", b"\0\0\0\1", b"\0\0\0\x7f", b"\0\1\0\0"))
    damaged = bytearray(index)
    damaged[HEADER + FANOUT - 4 : HEADER + FANOUT] = count
    return pack[:8] + count + pack[12:], bytes(damaged)


Damage = Callable[[bytes, bytes, random.Random], tuple[bytes, bytes]]
ALL: tuple[Damage, ...] = (flipped_pack, flipped_heads, flipped_index, flipped_offsets, fewer_bytes, more_objects)


@pytest.mark.parametrize("damage", ALL, ids=[each.__name__ for each in ALL])
def test_a_pack_that_is_damaged(damage: Damage, driver: Path, real: tuple[bytes, bytes], tmp_path: Path) -> None:
    folders = [write(tmp_path / str(seed), *damage(*real, random.Random(seed))) for seed in range(DAMAGES)]
    found = run(driver, folders)
    assert len(found) == DAMAGES
    assert any(found), "some are taken"
