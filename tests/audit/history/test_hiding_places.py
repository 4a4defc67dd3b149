"""A secret is found in every kind of place where a repository can keep one, and said to be where it is."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.audit.history.hiding import BONUS, EXPECTED, KINDS, Expected, everything, one
from tests.audit.history.repository import add, commit, drop, environment, git, github_token, new, put
from tests.audit.history.scan import CLEAN, FINDINGS, INCOMPLETE, scan


def fits(place: dict[str, Any], expected: Expected) -> str:
    """What about a finding's place is not as expected; "" if nothing."""
    for name, pattern in (("kind", expected.kind), ("path", expected.path)):
        if not re.fullmatch(pattern, place[name], re.IGNORECASE):
            return f"{name} {place[name]!r} is not {pattern!r}"
    unpacked = iter(place["within"])
    for pattern in expected.within:
        if not any(re.search(pattern, step, re.IGNORECASE) for step in unpacked):
            return f"within {place['within']} has no {pattern!r} where it belongs"
    return ""


@pytest.mark.parametrize("name", KINDS)
def test_kind(name: str, tmp_path: Path) -> None:
    repo, secret = one(name, tmp_path / "repo")
    done = scan(repo)
    assert done.code == FINDINGS, done.output + done.errors
    assert len(done.tokens) == 1, done.output
    assert not done.gaps
    assert not fits(done.tokens[0]["first"], EXPECTED[name])
    assert EXPECTED[name].tip in (None, done.tokens[0]["in_tip"])
    assert secret[6:-4] not in done.output + done.errors, "a report must not spread what it found"


@pytest.mark.parametrize("name", BONUS)
def test_kind_beyond(name: str, tmp_path: Path) -> None:
    """Found or not, it is masked, never takes the scan down, and what is found is where it is said to be."""
    repo, secret = one(name, tmp_path / "repo")
    done = scan(repo)
    assert done.code in (CLEAN, FINDINGS, INCOMPLETE), done.output + done.errors
    assert secret[6:-4] not in done.output + done.errors
    for each in done.tokens:
        assert not fits(each["first"], EXPECTED[name])
    if not done.tokens:
        pytest.skip("not found, and not required")


def test_everything_at_once(tmp_path: Path) -> None:
    repo, secrets = everything(tmp_path / "repo")
    done = scan(repo)
    assert done.code == FINDINGS, done.errors
    places = [each["first"] for each in done.tokens]
    missed = [name for name in KINDS if all(fits(place, EXPECTED[name]) for place in places)]
    assert not missed
    assert len(done.tokens) == len(secrets), "a secret in two places, or two that are one"
    assert not any(secret[6:-4] in done.output + done.errors for secret in secrets.values())


def test_first_last_and_times(tmp_path: Path) -> None:
    """The same secret in three commits and two files is one finding, with where it came from and where it was last."""
    repo, secret = new(tmp_path / "repo"), github_token()
    line = f'TOKEN = "{secret}"\n'.encode()
    for changes, author in (
        ([put("first.py", b"import os\n\n" + line)], b"Ada <ada@analytical.test>"),
        ([put("first.py", b"import os\n\n" + line + b"\n# better\n")], b"Charles <charles@analytical.test>"),
        ([drop("first.py"), put("second.py", line)], b"Luigi <luigi@analytical.test>"),
        ([drop("second.py")], b"Luigi <luigi@analytical.test>"),
    ):
        add(repo, commit("refs/heads/main", *changes, author=author))
    (found,) = scan(repo).tokens
    first, last = found["first"], found["last"]
    assert (first["path"], first["line"]) == ("first.py", 3)
    assert first["commit"] == git(repo, "rev-parse", "main~3")
    assert "Ada" in first["author"]
    assert first["date"].startswith("2023-11-14T23:13:20+01:00")
    assert last["path"] == "second.py"
    assert last["commit"] == git(repo, "rev-parse", "main~1")
    assert found["times"] == 3
    assert not found["in_tip"]
    assert found["sureness"] == "verified"


# What the generator promises


def contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below a folder with its path before its bytes; git's objects are left out."""
    for place, folders, files in os.walk(folder):
        if Path(place).name == "objects":
            folders.clear()
            continue
        for name in files:
            path = Path(place, name)
            yield str(path), str(path.relative_to(folder)).encode() + b"\n" + path.read_bytes()


def objects(repo: Path) -> Iterator[tuple[str, bytes]]:
    """Every git object, of borrowed stores as well."""
    command = ["git", "--no-replace-objects", "-C", str(repo), "cat-file", "--batch-all-objects", "--batch"]
    rest = subprocess.run(command, capture_output=True, check=True, env=environment()).stdout
    while rest:
        head, rest = rest.split(b"\n", 1)
        name, _, size = head.decode().split()
        yield name, rest[: int(size)]
        rest = rest[int(size) + 1 :]


@pytest.mark.parametrize("name", [*KINDS, *BONUS])
def test_the_secret_is_in_one_place_only(name: str, tmp_path: Path) -> None:
    repo, secret = one(name, tmp_path / "repo")
    stores = [repo, *repo.glob(".git/modules/*/objects/..")]
    seen = {place for store in stores for place, data in objects(store) if secret.encode() in data}
    for folder in tmp_path.iterdir():
        seen |= {place for place, data in contents(folder) if secret.encode() in data}
    assert len(seen) == (1 if EXPECTED[name].raw else 0), seen
