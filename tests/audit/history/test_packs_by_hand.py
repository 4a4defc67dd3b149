"""The C library under sanitizers on packs made by hand, most of them to do harm."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.audit.history.driving import Read, built, run
from tests.audit.history.packing import (
    BLOB,
    COMMIT,
    OFS_DELTA,
    REF_DELTA,
    TREE,
    Packed,
    copy,
    delta,
    index,
    insert,
    make,
    named,
    pack,
    write,
)

TEXT = b"".join(b"line %d of the analytical engine\n" % number for number in range(200))


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("driver"))


def _steps(source: random.Random, base: int) -> Iterator[bytes]:
    """Instructions, most of them right."""
    for _ in range(source.randrange(8)):
        match source.randrange(12):
            case 0:
                yield copy(source.choice((base, base + 1, (1 << 32) - 1)), source.choice((0, 1, (1 << 24) - 1)))
            case 1:
                yield bytes([source.randrange(256) for _ in range(source.randrange(1, 4))])
            case 2:
                yield b"\0"
            case 3 | 4 | 5:
                yield insert(source.randbytes(source.randrange(1, 300)))
            case _:
                start = source.randrange(base or 1)
                yield copy(start, source.randrange(1, max(2, base - start)))


def _random_pack(source: random.Random) -> list[Packed]:
    objects, names = [Packed(BLOB, TEXT)], [each.name for each in named([Packed(BLOB, b"")] * 20)]
    while len(objects) < 20:
        base = source.choice((len(TEXT), 0, 100, source.randrange(10000)))
        steps = list(_steps(source, base))
        text = delta(base, source.choice((sum(map(_length, steps)), 0, 1 << 25, (1 << 56) - 1)), *steps)
        data, kind = source.choice(((text, OFS_DELTA), (text, REF_DELTA), (TEXT[: source.randrange(99)], COMMIT)))
        objects.append(
            Packed(
                kind,
                data[: source.choice((len(data), len(data), source.randrange(len(data) + 1)))],
                back=source.choice((len(objects), 1, source.randrange(-2, len(objects) + 2))),
                base=source.choice((names[0], source.choice(names), bytes(20))),
                size=source.choice((-1, -1, -1, -1, 0, len(data) + 1, 1 << 25, 1 << 35, (1 << 59) - 1)),
                cut=source.choice((0, 0, 0, 0, 1, 5, 50)),
            )
        )
    return objects


def _length(step: bytes) -> int:
    if step[0] < 128:
        return len(step) - -(-len(step) // 128)
    return int.from_bytes(step[-2:], "little") if step[0] & 0x30 == 0x30 else step[-1]


def test_deltas_at_random(driver: Path, tmp_path: Path) -> None:
    folders = [make(tmp_path / str(seed), _random_pack(random.Random(seed))) for seed in range(200)]
    found = run(driver, folders)
    assert all(found), "an object that is damaged leaves the others as they are"
    assert any(each and each.gone_through > 3 for each in found)


def test_bases_in_a_circle_and_of_itself(driver: Path, tmp_path: Path) -> None:
    names = [each.name for each in named([Packed(BLOB, b"")] * 5)]
    same = delta(4, 4, copy(0, 4))
    circle = [Packed(REF_DELTA, same, base=names[other]) for other in (1, 2, 0, 3)] + [Packed(OFS_DELTA, same)]
    (read,) = run(driver, [make(tmp_path, circle)])
    assert read == Read(5, 0, 0, 0, 0), "none is of a kind that is known: they are git's"


def test_a_base_that_comes_after(driver: Path, tmp_path: Path) -> None:
    names = [each.name for each in named([Packed(BLOB, b"")] * 2)]
    (read,) = run(
        driver,
        [
            make(
                tmp_path, [Packed(REF_DELTA, delta(4, 8, copy(0, 4), copy(0, 4)), base=names[1]), Packed(BLOB, b"abcd")]
            )
        ],
    )
    assert read is not None
    assert (read.gone_through, read.left, read.whole) == (2, 0, 2)


def test_no_objects_and_empty_ones(driver: Path, tmp_path: Path) -> None:
    empty = [
        Packed(BLOB, b""),
        Packed(OFS_DELTA, delta(0, 0), back=1),
        Packed(OFS_DELTA, delta(0, 1, insert(b"x")), back=1),
    ]
    found = run(
        driver, [make(tmp_path / "0", []), make(tmp_path / "3", empty), make(tmp_path / "1", [Packed(TREE, b"")])]
    )
    assert found == [Read(0, 0, 0, 0, 0), Read(3, 3, 0, 0, 1), Read(1, 0, 0, 0, 0)]


def test_long_names_and_large_offsets(driver: Path, tmp_path: Path) -> None:
    objects = [
        Packed(BLOB, TEXT, name=bytes([1]) * 32),
        Packed(REF_DELTA, delta(len(TEXT), 9, copy(5, 9)), base=bytes([1]) * 32, name=bytes([9]) * 32),
    ]
    data, offsets = pack(objects, 32)
    names = [each.name for each in objects]
    good = write(tmp_path / "good", data, index(names, offsets, data[-32:]))
    large = write(tmp_path / "large", data, index(names, [offsets[0], 1 << 31], data[-32:], [offsets[1]]))
    beyond = [
        write(tmp_path / f"{number}", data, index(names, [offsets[0], 1 << 31 | number], data[-32:], [1 << 62]))
        for number in (0, 1, (1 << 31) - 1)
    ]
    assert run(driver, [good, large]) == [Read(2, 2, 0, 1, 2)] * 2, "what is found in the first is in the second too"
    assert run(driver, beyond) == [None] * 3


def test_sizes_that_lie(driver: Path, tmp_path: Path) -> None:
    lies = (0, 3, 5, 1 << 20, 1 << 25, (1 << 25) + 1, 1 << 40, (1 << 59) - 1)
    folders = [
        make(
            tmp_path / str(size),
            [Packed(BLOB, b"abcd", size=size), Packed(OFS_DELTA, delta(size, 4, copy(0, 4)), back=1)],
        )
        for size in lies
    ]
    assert run(driver, folders) == [Read(2, 0, 2, 0, 0)] * len(lies)


def test_deltas_that_make_very_much_of_little(driver: Path, tmp_path: Path) -> None:
    """As much as is taken, and more; many of them on one base, and each on the one before."""
    base, whole, too_much = 1 << 16, 1 << 25, (1 << 25) + 1
    double = [Packed(BLOB, bytes(base))] + [
        Packed(
            OFS_DELTA,
            delta(base << number, base << number + 1, copy(0, base << number), copy(0, base << number)),
            back=1,
        )
        for number in range(8)
    ]
    wide = [Packed(BLOB, b"\n" * base)] + [
        Packed(OFS_DELTA, delta(base, whole + more, *[copy(0, base)] * 512, *[copy(0, 1)] * more), back=1 + number)
        for number, more in enumerate((0, 1, 1, 0))
    ]
    found = run(driver, [make(tmp_path / "double", double), make(tmp_path / "wide", wide)])
    assert too_much == whole + 1
    assert found[0] is not None
    assert (found[0].gone_through, found[0].left) == (9, 0)
    assert found[1] is not None
    assert (found[1].gone_through, found[1].left) == (3, 2)


def test_a_chain_and_a_family_of_very_many(driver: Path, tmp_path: Path) -> None:
    """Each is gone through once, however many of its bases have something in them."""
    size, count = len(TEXT), 4000
    one_more = [
        Packed(OFS_DELTA, delta(size + number, size + number + 1, copy(0, size + number), insert(b"x")), back=1)
        for number in range(count)
    ]
    family = [
        Packed(OFS_DELTA, delta(size, size, insert(b"%06d\n" % number), copy(7, size - 7)), back=1 + number)
        for number in range(5 * count)
    ]
    found = run(
        driver,
        [
            make(tmp_path / "chain", [Packed(BLOB, TEXT), *one_more]),
            make(tmp_path / "family", [Packed(BLOB, TEXT), *family]),
        ],
        timeout=30,
    )
    assert [(each.gone_through, each.left) for each in found if each] == [(count + 1, 0), (5 * count + 1, 0)]


def test_changes_everywhere_in_one_line(driver: Path, tmp_path: Path) -> None:
    """Two million of them, each of whose lines is all there is."""
    half = 1 << 21
    step = b"".join(copy(2 * number % half or 1, 1) + insert(b"y") for number in range(half // 64)) * 64
    objects = [Packed(BLOB, b"x" * half), Packed(OFS_DELTA, delta(half, 2 * half, step), back=1)]
    (read,) = run(driver, [make(tmp_path, objects)], timeout=30)
    assert read is not None
    assert (read.gone_through, read.left) == (2, 0)
