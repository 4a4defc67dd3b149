"""`seawall secrets scan FILE`: that file alone, as it is now."""

import os
from pathlib import Path

import pytest

from tests.audit.history.repository import add_and_remove, git, github_token, new
from tests.audit.history.scan import CLEAN, ERROR, FINDINGS, scan


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """With a token in its history, which the file does not hold."""
    path = new(tmp_path / "repo")
    add_and_remove(path, "old.py", f"T = '{github_token()}'\n".encode())
    git(path, "reset", "-q", "--hard")
    return path


def test_only_that_file_is_looked_at(repo: Path) -> None:
    file = repo / "conf" / "a.py"
    file.parent.mkdir()
    file.write_text(f"x = 1\nT = '{github_token()}'\n")
    found = scan(file)
    assert found.code == FINDINGS
    assert [(each["first"]["path"], each["first"]["line"]) for each in found.tokens] == [("conf/a.py", 2)]
    assert f"Its earlier versions: seawall secrets scan {repo}" in found.errors
    assert "seawall secrets wipe" in found.tokens[0]["remedy"]
    clean = scan(repo / "engine.py")
    assert (clean.code, clean.findings, clean.gaps) == (CLEAN, [], [])


def test_the_repositorys_baseline_and_rules_count(repo: Path) -> None:
    (repo / ".seawall-rules.toml").write_text(
        "[[rule]]\nid = 'shop-key'\nvendor = 'Shop'\ndescription = 'Key of the shop'\nkeywords = ['shopkey_']\n"
        "pattern = 'shopkey_[0-9a-f]{16}'\npositive = []\nnegative = []\n"
    )
    file = repo / "a.py"
    file.write_text("k = 'shopkey_9f8e7d6c5b4a3f21'\n")
    assert [each["id"] for each in scan(file).findings] == ["secrets/shop-key"]


def test_a_file_outside_any_repository(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text(f"{github_token()}\n")
    found = scan(file)
    assert found.code == FINDINGS
    assert found.tokens[0]["first"]["path"] == "notes.txt"
    assert "earlier versions" not in found.errors
    assert "wipe" not in found.tokens[0]["remedy"]  # there is no history


def test_what_is_no_file_is_an_error_that_says_so(tmp_path: Path) -> None:
    nothing = scan(tmp_path / "nothing")
    assert nothing.code == ERROR
    assert "does not exist" in nothing.errors
    os.mkfifo(tmp_path / "pipe")
    pipe = scan(tmp_path / "pipe")
    assert pipe.code == ERROR
    assert "neither a folder nor a file" in pipe.errors
    assert "Write it to a file" in pipe.errors


def test_where_there_is_no_repository_git_is_not_needed(repo: Path, tmp_path: Path) -> None:
    file = tmp_path / "alone" / "notes.txt"
    file.parent.mkdir()
    file.write_text(f"{github_token()}\n")
    assert len(scan(file.parent, PATH="/nowhere").tokens) == 1
    without = scan(repo, PATH="/nowhere")
    assert without.code == ERROR
    assert "git is not installed" in without.errors
