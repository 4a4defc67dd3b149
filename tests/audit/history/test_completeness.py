"""Nothing is called complete that is not, however odd: whether we read packs and trees ourselves or git does."""

import hashlib
import random
from pathlib import Path

import pytest

from tests.audit.history.packing import BLOB, Packed, index, pack
from tests.audit.history.repository import PERSON, WHEN, git, github_token, new
from tests.audit.history.scan import CLEAN, FINDINGS, INCOMPLETE, scan

PACKED = pytest.mark.parametrize("packed", [True, False], ids=["packed", "loose"])


def written(repo: Path, kind: str, data: bytes) -> str:
    return git(repo, "hash-object", "-t", kind, "-w", "--stdin", "--literally", data=data)


def commit(repo: Path, tree: str, *parents: str, author: bytes = PERSON) -> str:
    lines = [b"tree " + tree.encode(), *(b"parent " + each.encode() for each in parents)]
    who = author + b" " + WHEN
    return written(repo, "commit", b"\n".join([*lines, b"author " + who, b"committer " + who, b"", b"Work\n"]))


def delete(repo: Path, name: str) -> None:
    (repo / ".git" / "objects" / name[:2] / name[2:]).unlink()


def in_packs(repo: Path, packed: bool) -> None:
    if packed:
        git(repo, "repack", "-q", "-a", "-d")


@PACKED
def test_a_submodule_that_becomes_a_file(packed: bool, tmp_path: Path) -> None:
    repo = new(tmp_path / "repo")
    in_packs(repo, packed)
    blob, other = written(repo, "blob", b"of the file"), git(repo, "rev-parse", "HEAD")
    first = git(repo, "mktree", data=f"160000 commit {other}\tlib\n".encode())
    second = git(repo, "mktree", data=f"100644 blob {blob}\tlib\n".encode())
    third = git(repo, "mktree", data=b"")
    tip = other
    for tree in (first, second, third):
        tip = commit(repo, tree, tip)
    git(repo, "update-ref", "refs/heads/lib", tip)
    assert scan(repo).code == CLEAN
    delete(repo, blob)
    assert scan(repo).code == INCOMPLETE


@PACKED
@pytest.mark.parametrize("deep", [False, True])
def test_a_tag_of_a_tree_that_lacks_something(packed: bool, deep: bool, tmp_path: Path) -> None:
    repo = new(tmp_path / "repo")
    in_packs(repo, packed)
    blob = written(repo, "blob", b"of the tree")
    tree = git(repo, "mktree", data=f"100644 blob {blob}\tfile\n".encode())
    if deep:
        tree = git(repo, "mktree", data=f"040000 tree {tree}\tfolder\n".encode())
    git(repo, "tag", "of-a-tree", tree)
    assert scan(repo).code == CLEAN
    delete(repo, blob)
    assert scan(repo).code == INCOMPLETE


def test_a_commit_in_a_pack_that_nothing_leads_to(tmp_path: Path) -> None:
    repo, token = new(tmp_path / "repo"), github_token(random.Random(1))
    git(repo, "checkout", "-q", "-b", "gone")
    (repo / "deploy.py").write_text(f"token = '{token}'\n")
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "Deploy")
    name = git(repo, "rev-parse", "HEAD")
    git(repo, "repack", "-q", "-a", "-d")
    git(repo, "checkout", "-q", "main")
    git(repo, "branch", "-q", "-D", "gone")
    git(repo, "reflog", "expire", "--expire=now", "--all")
    (found,) = scan(repo).tokens
    place = found["first"]
    assert (place["kind"], place["path"], place["commit"]) == ("unreachable commit", "deploy.py", name)


@PACKED
def test_one_damaged_commit_hides_no_other(packed: bool, tmp_path: Path) -> None:
    """Of those that nothing leads to."""
    repo, token = new(tmp_path / "repo"), github_token(random.Random(2))
    in_packs(repo, packed)
    blob = written(repo, "blob", f"token = '{token}'\n".encode())
    tree = git(repo, "mktree", data=f"100644 blob {blob}\tdeploy.py\n".encode())
    commit(repo, "1" * 40)
    commit(repo, tree, "2" * 40)
    whole = commit(repo, tree, git(repo, "rev-parse", "HEAD"))
    (found,) = scan(repo).tokens
    assert {(each["path"], each["commit"]) for each in found["places"]} >= {("deploy.py", whole)}


@PACKED
def test_odd_commits(packed: bool, tmp_path: Path) -> None:
    repo, token = new(tmp_path / "repo"), github_token(random.Random(3))
    in_packs(repo, packed)
    blob = written(repo, "blob", f"token = '{token}'\n".encode())
    tree, head = git(repo, "mktree", data=f"100644 blob {blob}\tdeploy.py\n".encode()), git(repo, "rev-parse", "HEAD")
    parents = [commit(repo, tree, head, author=b"A%d\x1fB <a@analytical.test>" % number) for number in range(300)]
    git(repo, "update-ref", "refs/heads/odd", commit(repo, tree, *parents))
    (found,) = scan(repo).tokens
    assert len(found["places"]) == 300
    assert all("\x1f" in each["author"] or "x1f" in each["author"] for each in found["places"])


def test_files_among_the_loose_objects_that_are_none(tmp_path: Path) -> None:
    repo = new(tmp_path / "repo")
    git(repo, "repack", "-q", "-a", "-d")
    objects = repo / ".git" / "objects"
    for name in ("z" * 38, " " * 38, "a" * 62, "tmp_obj_1"):
        (objects / "aa").mkdir(exist_ok=True)
        (objects / "aa" / name).write_bytes(b"")
    (objects / "ab").write_bytes(b"")
    assert scan(repo).code == CLEAN


@PACKED
def test_a_pack_with_longer_names_than_the_repository_s(packed: bool, tmp_path: Path) -> None:
    repo = new(tmp_path / "repo")
    in_packs(repo, packed)
    objects = [Packed(BLOB, b"x", name=hashlib.sha256(b"x").digest())]
    data, offsets = pack(objects, 32)
    file = repo / ".git" / "objects" / "pack" / f"pack-{'a' * 40}.pack"
    file.write_bytes(data)
    file.with_suffix(".idx").write_bytes(index([each.name for each in objects], offsets, data[-32:]))
    lacking = "".join(f"100644 blob {number:040x}\tf{number:05}\n" for number in range(1, 5000))
    tree = git(repo, "mktree", "--missing", data=lacking.encode())
    git(repo, "update-ref", "refs/heads/odd", commit(repo, tree, git(repo, "rev-parse", "HEAD")))
    assert "4999 objects" in scan(repo).what_is_missing


@PACKED
@pytest.mark.parametrize("lost", ["what a branch names", "a tag", "what a tag names"])
def test_a_ref_to_nothing(lost: str, packed: bool, tmp_path: Path) -> None:
    repo = new(tmp_path / "repo")
    (repo / "a.py").write_text(f"T = '{github_token()}'\n")
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "Work")
    in_packs(repo, packed)
    git(repo, "tag", "-a", "-m", "One", "v1", written(repo, "blob", b"x"))
    name = git(repo, "rev-parse", "v1" if lost == "a tag" else "v1^{}")
    if lost == "what a branch names":
        (repo / ".git" / "refs" / "heads" / "broken").write_text("1" * 40 + "\n")
    else:
        (repo / ".git" / "objects" / name[:2] / name[2:]).unlink()
    done = scan(repo)
    assert (done.code, len(done.tokens)) == (FINDINGS, 1), done.errors
    assert "1 object is missing" in done.what_is_missing


@PACKED
def test_a_tip_that_git_log_cannot_show(packed: bool, tmp_path: Path) -> None:
    repo = new(tmp_path / "repo")
    before = git(repo, "rev-parse", "main^{tree}")
    (repo / "a.py").write_text(f"T = '{github_token()}'\n")
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "Work")
    (repo / "a.py").unlink()
    (repo / ".git" / "index").unlink()
    delete(repo, before)
    if packed:  # something that can be
        git(
            repo, "pack-objects", "-q", ".git/objects/pack/pack", data=git(repo, "rev-parse", "main:README.md").encode()
        )
    done = scan(repo)
    assert (done.code, [each["in_tip"] for each in done.tokens]) == (FINDINGS, [True]), done.errors
    assert done.gaps
