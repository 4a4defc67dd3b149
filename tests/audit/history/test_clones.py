"""Every kind of repository and clone: what could not be looked at is said, and never ends in "clean"."""

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.audit.history.kinds import assignment
from tests.audit.history.repository import (
    add,
    add_and_remove,
    commit,
    environment,
    git,
    github_token,
    new,
    put,
)
from tests.audit.history.scan import CLEAN, ERROR, FINDINGS, INCOMPLETE, scan

NOBODY = 65534


def clone(source: Path, target: Path, *options: str) -> Path:
    """A clone over git's own protocol, so that nothing is linked or borrowed unless `options` say so."""
    git(source.parent, "clone", "-q", *options, f"file://{source}", str(target))
    return target


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    return new(tmp_path / "clean")


@pytest.fixture
def dirty(tmp_path: Path) -> Path:
    """A repository whose history once had a token, under the name in its own history only."""
    repo = new(tmp_path / "dirty")
    add_and_remove(repo, "settings.py", assignment(github_token()))
    return repo


# Complete ones


def copies(source: Path, target: Path) -> dict[str, Callable[[], Path]]:
    return {
        "the repository itself": lambda: source,
        "a clone": lambda: clone(source, target),
        "a bare clone": lambda: clone(source, target, "--bare"),
        "a mirror": lambda: clone(source, target, "--mirror"),
        "a clone that borrows objects": lambda: Path(git(source, "clone", "-qs", str(source), str(target)) or target),
        "a folder of the work tree": lambda: folder_of(source),
        "its .git folder": lambda: source / ".git",
        "a linked work tree": lambda: Path(git(source, "worktree", "add", "-q", "--detach", str(target)) or target),
    }


def folder_of(repo: Path) -> Path:
    (repo / "docs").mkdir()
    return repo / "docs"


COPIES = list(copies(Path(), Path()))


@pytest.mark.parametrize("kind", COPIES)
def test_complete_and_clean(kind: str, clean: Path, tmp_path: Path) -> None:
    done = scan(copies(clean, tmp_path / "copy")[kind]())
    assert (done.code, done.findings, done.gaps) == (CLEAN, [], []), done.output + done.errors


@pytest.mark.parametrize("kind", COPIES)
def test_complete_and_not_clean(kind: str, dirty: Path, tmp_path: Path) -> None:
    done = scan(copies(dirty, tmp_path / "copy")[kind]())
    assert (done.code, len(done.tokens), done.gaps) == (FINDINGS, 1, []), done.output + done.errors
    assert done.tokens[0]["first"]["path"] == "settings.py"
    assert not done.tokens[0]["in_tip"]


def test_packed_or_not(dirty: Path) -> None:
    git(dirty, "repack", "-adfq")
    git(dirty, "pack-refs", "--all")
    assert len(scan(dirty).tokens) == 1


def test_a_submodule_is_a_repository_too(dirty: Path, tmp_path: Path) -> None:
    """Its .git is a file that says where the repository is."""
    whole = new(tmp_path / "whole")
    git(whole, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", f"file://{dirty}", "lib")
    done = scan(whole / "lib")
    assert (done.code, len(done.tokens)) == (FINDINGS, 1), done.output + done.errors


def test_a_submodules_history_is_looked_at_from_above(dirty: Path, tmp_path: Path) -> None:
    """Also of a submodule that was removed: its repository stays in .git/modules."""
    whole = new(tmp_path / "whole")
    git(whole, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", f"file://{dirty}", "lib")
    done = scan(whole)
    assert (done.code, [each["first"]["path"] for each in done.tokens]) == (FINDINGS, ["lib/settings.py"]), done.output
    assert not done.gaps


def test_sha256(tmp_path: Path) -> None:
    repo = new(tmp_path / "repo", "--object-format=sha256")
    assert scan(repo).code == CLEAN
    add_and_remove(repo, "settings.py", assignment(github_token()))
    (found,) = scan(repo).tokens
    assert found["first"]["commit"] == git(repo, "rev-parse", "main~1")
    assert len(found["first"]["commit"]) == 64


def test_no_commit_yet(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "repo")
    done = scan(tmp_path / "repo")
    assert (done.code, done.findings, done.gaps) == (CLEAN, [], []), done.output + done.errors
    (tmp_path / "repo" / ".env").write_text(f"GITHUB_TOKEN={github_token()}\n")
    assert scan(tmp_path / "repo").code == FINDINGS


def test_a_folder_without_history(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "settings.py").write_bytes(assignment("none"))
    done = scan(folder)
    assert done.code == CLEAN, done.errors
    assert "history" in done.output + done.errors
    (folder / "settings.py").write_bytes(assignment(github_token()))
    done = scan(folder)
    assert (done.code, [each["first"]["path"] for each in done.tokens]) == (FINDINGS, ["settings.py"])
    assert done.tokens[0]["first"]["line"] == 2


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    done = scan(tmp_path / "nothing")
    assert done.code == ERROR
    assert "nothing" in done.errors


# Incomplete ones


def test_shallow(clean: Path, tmp_path: Path) -> None:
    done = scan(clone(clean, tmp_path / "shallow", "--depth=1"))
    assert (done.code, done.findings) == (INCOMPLETE, []), done.output + done.errors
    assert "shallow" in done.what_is_missing
    assert "git fetch --unshallow" in done.what_is_missing


def test_shallow_with_findings(clean: Path, tmp_path: Path) -> None:
    """What was found counts more than what was not looked at; both are said."""
    add(clean, commit("refs/heads/main", put("settings.py", assignment(github_token()))))
    done = scan(clone(clean, tmp_path / "shallow", "--depth=1"))
    assert (done.code, len(done.tokens)) == (FINDINGS, 1), done.output + done.errors
    assert "shallow" in done.what_is_missing


def partial(source: Path, target: Path, of: str = "blob:none") -> Path:
    git(source, "config", "uploadpack.allowFilter", "true")
    return clone(source, target, "--bare", f"--filter={of}")


def test_partial(dirty: Path, tmp_path: Path) -> None:
    copy = partial(dirty, tmp_path / "partial")
    missing = [
        line for line in git(copy, "rev-list", "--all", "--objects", "--missing=print").splitlines() if "?" in line
    ]
    assert len(missing) == 3
    done = scan(copy)
    assert (done.code, done.findings) == (INCOMPLETE, []), done.output + done.errors
    assert re.search(r"\b3\b.*(object|file)", done.what_is_missing)
    assert "partial" in done.what_is_missing


def test_a_scan_fetches_nothing(dirty: Path, tmp_path: Path) -> None:
    """Reading a missing object of a partial clone makes git fetch it from the network, unless it is told not to."""
    copy = partial(dirty, tmp_path / "partial", of="tree:0")
    before = sorted(str(path) for path in copy.glob("objects/**/*"))
    assert scan(copy).code == INCOMPLETE
    assert sorted(str(path) for path in copy.glob("objects/**/*")) == before


def of_the_secret(repo: Path, name: str) -> Path:
    """The file that holds an object of the commit that brought the secret."""
    oid = git(repo, "rev-parse", f"main~1{name}")
    return repo / ".git" / "objects" / oid[:2] / oid[2:]


@pytest.mark.parametrize("name", [":settings.py", "^{tree}", ""], ids=["file", "tree", "commit"])
@pytest.mark.parametrize("how", ["gone", "empty", "garbage", "cut short"])
def test_a_damaged_object(name: str, how: str, dirty: Path) -> None:
    path = of_the_secret(dirty, name)
    data = path.read_bytes()
    path.chmod(0o644)
    path.unlink()
    if how != "gone":
        path.write_bytes({"empty": b"", "garbage": b"garbage" * 9, "cut short": data[: len(data) // 2]}[how])
    done = scan(dirty)
    if name == ":settings.py":
        assert done.code in (ERROR, INCOMPLETE), done.output + done.errors
    else:  # the file is still there, and may be found
        assert done.code in (FINDINGS, ERROR, INCOMPLETE)
        assert done.code == ERROR or done.gaps


def test_one_missing_object_is_one(dirty: Path) -> None:
    of_the_secret(dirty, ":settings.py").unlink()
    done = scan(dirty)
    assert done.code == INCOMPLETE
    assert done.gaps[0]["what"] == "1 object is missing: the repository is damaged."


def test_a_damaged_pack(dirty: Path) -> None:
    git(dirty, "repack", "-adfq")
    (pack,) = (dirty / ".git" / "objects" / "pack").glob("*.pack")
    pack.chmod(0o644)
    data = bytearray(pack.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 40] = bytes(40)
    pack.write_bytes(data)
    done = scan(dirty)
    assert done.code == ERROR or done.gaps, done.output + done.errors


def test_a_lost_borrowed_store(dirty: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", "--shared", str(dirty), "borrowing")
    dirty.rename(tmp_path / "moved")
    assert scan(tmp_path / "borrowing").code in (ERROR, INCOMPLETE)


def test_a_file_that_may_not_be_read(clean: Path) -> None:
    path = clean / "private.txt"
    path.write_text("nothing\n")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("root reads every file")
    done = scan(clean)
    assert done.code == INCOMPLETE
    assert "private.txt" in done.what_is_missing


# Surroundings that mislead


def test_somebody_elses_repository(dirty: Path) -> None:
    """git refuses to work on what another user owns (safe.directory): a scan must not take silence for "clean"."""
    if os.geteuid():
        pytest.skip("only root can give a repository to somebody else")
    for path in (dirty, dirty / ".git"):
        os.chown(path, NOBODY, NOBODY)
    refused = subprocess.run(["git", "-C", str(dirty), "log"], capture_output=True, check=False, env=environment())
    assert b"safe.directory" in refused.stderr
    done = scan(dirty)
    assert done.code in (ERROR, FINDINGS), done.output
    assert done.code == FINDINGS or "safe.directory" in done.errors


@pytest.mark.parametrize("name", ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"])
def test_variables_of_a_hook(name: str, clean: Path, dirty: Path) -> None:
    """git sets these for its hooks; they are about the hook's repository, not about the one to be scanned."""
    places = {"GIT_WORK_TREE": ".", "GIT_INDEX_FILE": ".git/index", "GIT_OBJECT_DIRECTORY": ".git/objects"}
    done = scan(dirty, **{name: str(clean / places.get(name, ".git"))})
    assert (done.code, len(done.tokens)) == (FINDINGS, 1), done.output + done.errors
    done = scan(clean, **{name: str(dirty / places.get(name, ".git"))})
    assert (done.code, done.findings) == (CLEAN, []), done.output + done.errors


def test_settings_that_change_what_git_prints(dirty: Path) -> None:
    for name, value in {
        "color.ui": "always",
        "log.showSignature": "true",
        "diff.external": "false",
        "core.quotePath": "false",
        "log.mailmap": "false",
        "diff.noprefix": "true",
        "core.abbrev": "5",
    }.items():
        git(dirty, "config", name, value)
    done = scan(dirty)
    assert (done.code, len(done.tokens), done.gaps) == (FINDINGS, 1, []), done.output + done.errors
    assert done.tokens[0]["first"]["commit"] == git(dirty, "rev-parse", "main~1")


def test_a_scan_runs_nothing_of_the_repository(dirty: Path, tmp_path: Path) -> None:
    """A repository's settings can name programs; scanning somebody's repository must not run them."""
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\ncat\n")
    trap.chmod(0o755)
    for name in ("core.fsmonitor", "core.pager", "diff.external", "filter.trap.clean", "diff.trap.textconv"):
        git(dirty, "config", name, str(trap))
    (dirty / ".gitattributes").write_text("* filter=trap diff=trap\n")
    (dirty / "README.md").write_text("Changed.\n")
    assert scan(dirty).code == FINDINGS
    assert not (tmp_path / "sprung").exists()
