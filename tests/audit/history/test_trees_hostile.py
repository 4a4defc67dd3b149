"""The comparison of trees under sanitizers, on trees such as git would never write."""

import random
import zlib
from pathlib import Path

import pytest

from tests.audit.history.driving import Read, built, run
from tests.audit.history.packing import BLOB, OFS_DELTA, TREE, Packed, copy, delta, insert, make, named

NAMES = [each.name for each in named([Packed(BLOB, b"")] * 300)]


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("driver"))


def entry(name: bytes, object: bytes, mode: bytes = b"100644") -> bytes:
    return mode + b" " + name + b"\0" + object


def folder(name: bytes, object: bytes) -> bytes:
    return entry(name, object, b"40000")


def read(driver: Path, path: Path, *trees: bytes) -> Read:
    """A blob, and the trees after it."""
    (found,) = run(driver, [make(path, [Packed(BLOB, b"text"), *(Packed(TREE, each) for each in trees)])])
    assert found is not None
    return found


def test_trees_as_they_should_be(driver: Path, tmp_path: Path) -> None:
    inner = entry(b"a", NAMES[0]) + entry(b"b", NAMES[0], b"100755")
    outer = entry(b"c", NAMES[0]) + folder(b"d", NAMES[1]) + entry(b"e", NAMES[0], b"160000")
    found = read(driver, tmp_path, inner, outer)
    # The larger name comes second; each tree once against nothing or the other.
    assert found.brought_in in (2 + 5, 5 + 2)


ODD = {
    "nothing": b"",
    "no name": b"100644 \0" + NAMES[0],
    "no mode": b" a\0" + NAMES[0],
    "no number": entry(b"a", NAMES[0], b"1006x4"),
    "a large number": entry(b"a", NAMES[0], b"7" * 30),
    "no end of the name": b"100644 " + b"a" * 300,
    "half an object": entry(b"a", NAMES[0][:10]),
    "only a mode": b"100644",
    "a long name": folder(b"a" * 5000, NAMES[1]),
    "names of folders": entry(b"../../x/\n", NAMES[0]),
    "itself": folder(b"a", NAMES[1]),
    "not in order": entry(b"b", NAMES[0]) + entry(b"a", NAMES[0]) + entry(b"b", NAMES[0]) + folder(b"b", NAMES[1]),
    "a blob as a folder": folder(b"a", NAMES[0]),
    "what is not there": folder(b"a", b"\1" * 20),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_trees(name: str, driver: Path, tmp_path: Path) -> None:
    whole = entry(b"a", NAMES[0]) + entry(b"c", NAMES[0])
    assert read(driver, tmp_path, ODD[name], whole, whole + ODD[name]).brought_in < 5000


def test_folders_in_folders(driver: Path, tmp_path: Path) -> None:
    """Deeper than anybody needs: given up, with what was found until then."""
    found = read(driver, tmp_path, *(folder(b"a", NAMES[number + 2]) for number in range(290)))
    assert 200 <= found.brought_in < 290 * 290


@pytest.mark.parametrize("kept", [4, 3000, 9000], ids="{} bytes".format)
def test_trees_that_are_made_again(kept: int, driver: Path, tmp_path: Path) -> None:
    """What is kept of the trees changes nothing but the time it takes."""
    source, folders = random.Random(kept), []
    for number in range(10):
        blobs = [entry(b"%03d" % each, NAMES[0]) for each in range(30)]
        objects = [Packed(BLOB, b"text"), Packed(TREE, b"".join(blobs))]
        while len(objects) < 40:
            at, base = 31 * source.randrange(30), source.randrange(1, len(objects))
            size, new = len(objects[1].data), insert(b"100644 xyz\0" + NAMES[source.randrange(39)])
            steps = copy(0, at) + new + copy(at + 31, size - at - 31)
            objects.append(Packed(OFS_DELTA, delta(size, size, steps), len(objects) - base))
        folders.append(make(tmp_path / str(number), objects))
    small = built(tmp_path, f"-DCACHED={kept}u")
    found = run(small, folders)
    assert found == run(driver, folders)
    assert all(each and each.brought_in > 300 for each in found)


def test_random_trees_and_differences(driver: Path, tmp_path: Path) -> None:
    source, folders = random.Random(7), []
    for number in range(60):
        objects = [Packed(TREE, b"".join(entry(b"%03d" % each, NAMES[source.randrange(20)]) for each in range(30)))]
        while len(objects) < 20:
            size = len(objects[0].data)
            if source.random() < 0.5:
                text = bytearray(objects[0].data[: source.randrange(size)])
                for _ in range(source.randrange(6)):
                    text[source.randrange(len(text) or 1) : source.randrange(len(text) or 1)] = source.randbytes(3)
                objects.append(Packed(TREE, bytes(text)))
            else:
                start, new = source.randrange(size), source.choice((folder(b"x", NAMES[source.randrange(20)]), b"odd"))
                steps = copy(0, start) + insert(new) + copy(start, size - start)
                whole = size + len(new) + source.choice((0, 0, 0, 1))
                objects.append(Packed(OFS_DELTA, delta(size, whole, steps), len(objects)))
        folders.append(make(tmp_path / str(number), objects))
    found = run(driver, folders)
    assert sum(each.brought_in for each in found if each) > 1000


@pytest.mark.parametrize("damage", range(12))
def test_loose_trees(damage: int, driver: Path, tmp_path: Path) -> None:
    """Files that are compressed trees, or not quite."""
    tree = entry(b"a", NAMES[0]) * 2000
    head, name = b"tree %d\0" % len(tree), b"\7" * 20
    file = zlib.compress(head + tree)
    damaged = [
        file, zlib.compress(b"blob 3\0abc"), zlib.compress(tree), zlib.compress(b"tree"), file[:-9], b"", b"\0" * 99,
        zlib.compress(b"tree 5\0"), zlib.compress(head), zlib.compress(b"\0" * (40 << 20)), file + b"more", file[2:],
    ][damage]  # fmt: skip
    loose = tmp_path / "objects" / name.hex()[:2] / name.hex()[2:]
    loose.parent.mkdir(parents=True)
    loose.write_bytes(damaged)
    found = read(driver, tmp_path, folder(b"x", name))
    assert found.brought_in == (2001 if damaged.startswith(file) else 1), "what follows the end is no part of it"
