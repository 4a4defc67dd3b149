"""Nothing changes but the secret: graph, dates, authors, modes, notes, stashes, and all that comes before it."""

import os
import subprocess
import sys
from pathlib import Path

from seawall.audit.history.wipe.literals import Literals
from seawall.audit.history.wipe.targets import given, targets
from seawall.audit.secrets.rules import load
from seawall.audit.secrets.scanner import Scanner
from tests.audit.history.repository import add, commit, environment, git, github_token, new, put
from tests.audit.history.wiping import left, wiped

FORMAT = "--format=%an <%ae> %ad|%cn <%ce> %cd|%p|%s"


def grown(tmp_path: Path, secret: str) -> Path:
    """Branches and merges; the secret comes in the middle."""
    repo = new(tmp_path / "repo")
    for each in (
        commit("refs/heads/main", put("run.sh", b"#!/bin/sh\n", "100755"), message=b"Before"),
        commit("refs/heads/main", put("deep/er/settings.py", f"T = '{secret}'\n".encode())),
        commit("refs/heads/side", put("side.py", b"1\n"), author=b"Charles B <c@b.test>"),
        commit("refs/heads/main", put("x.py", b"2\n"), parents=("refs/heads/main^0", "refs/heads/side^0")),
        commit("refs/heads/old", put("old.py", b"3\n"), parents=("refs/heads/main~2",)),
    ):
        add(repo, each)
    git(repo, "reset", "-q", "--hard")
    git(repo, "tag", "-a", "-m", "One", "v1")
    return repo


def subjects(repo: Path) -> list[str]:
    lines = git(repo, "log", "--all", "--topo-order", FORMAT).splitlines()
    return [
        f"{people}|{dates}|{len(parents.split())}|{text}"
        for people, dates, parents, text in (line.split("|") for line in lines)
    ]


def test_only_the_secret_changes(tmp_path: Path) -> None:
    secret = github_token()
    repo = grown(tmp_path, secret)
    before, old = subjects(repo), git(repo, "rev-parse", "main", "main~2", "old", "v1").split()
    outcome = wiped(repo)
    assert subjects(repo) == before
    main, second, other, tag = git(repo, "rev-parse", "main", "main~2", "old", "v1").split()
    assert (second, other) == (old[1], old[2]), "what comes before the secret keeps its name"
    assert main != old[0]
    assert tag == outcome.done.name(old[3]) != old[3]
    changed = git(repo, f"--git-dir={outcome.backup}", "ls-tree", "-r", "main").splitlines()
    now = git(repo, "ls-tree", "-r", "main").splitlines()
    assert [a.split("\t")[1] for a, b in zip(changed, now, strict=True) if a != b] == ["deep/er/settings.py"]
    text = git(repo, "show", "main:deep/er/settings.py")
    assert len(text) == len(f"T = '{secret}'")
    assert text.startswith("T = 'xxx")


def test_as_filter_repo_does_where_that_suffices(tmp_path: Path) -> None:
    secret = github_token()
    repo = grown(tmp_path, secret)
    git(repo, "clone", "-q", "--mirror", str(repo), str(tmp_path / "peer.git"))
    wiped(repo)
    filler = git(repo, "show", "main:deep/er/settings.py")[5:-1]
    (tmp_path / "text").write_text(f"{secret}==>{filler}\n")
    options = ("--force", "--replace-text", str(tmp_path / "text"), "--prune-empty", "never")
    subprocess.run(
        [sys.executable, "-m", "git_filter_repo", *options],
        cwd=tmp_path / "peer.git", env=environment(), check=True, capture_output=True,
    )  # fmt: skip
    assert git(repo, "rev-parse", "main", "side", "old") == git(
        tmp_path / "peer.git", "rev-parse", "main", "side", "old"
    )


def test_notes_follow_their_commits(tmp_path: Path) -> None:
    secret = github_token()
    repo = grown(tmp_path, secret)
    git(repo, "notes", "add", "-m", "Tested by hand", "main")
    git(repo, "notes", "add", "-m", "Reviewed", "old")
    wiped(repo)
    assert git(repo, "notes", "show", "main") == "Tested by hand"
    assert git(repo, "notes", "show", "old") == "Reviewed"


def test_names_and_messages_with_what_ends_lines_elsewhere(tmp_path: Path) -> None:
    secret = github_token()
    repo = grown(tmp_path, secret)
    git(repo, "branch", "a\u2028b")
    (repo / "x.py").write_text(f"T = '{secret}'\n")
    git(repo, "stash", "push", "-q", "-m", "one\u2028two")
    wiped(repo)
    assert not left(repo)
    assert "a\u2028b" in git(repo, "for-each-ref", "--format=%(refname:short)").split("\n")
    assert git(repo, "stash", "list").endswith("one\u2028two")


def test_every_stash_is_kept(tmp_path: Path) -> None:
    repo = grown(tmp_path, github_token())
    for text in ("first", "second", "third"):
        (repo / "engine.py").write_text(f"{text} = '{github_token()}'\n")
        git(repo, "stash", "push", "-q", "-m", text)
    wiped(repo)
    assert [line.rsplit(" ", 1)[1] for line in git(repo, "stash", "list").splitlines()] == ["third", "second", "first"]
    git(repo, "stash", "apply", "-q", "stash@{1}")
    assert (repo / "engine.py").read_text().startswith("second = 'xxx")
    assert not left(repo)


def test_messages_name_the_new_commits(tmp_path: Path) -> None:
    repo = grown(tmp_path, github_token())
    old = git(repo, "rev-parse", "main")
    git(repo, "commit", "-q", "--allow-empty", "-m", f"Revert that\n\nThis reverts commit {old}, see {old[:9]}.")
    wiped(repo)
    new_name = git(repo, "rev-parse", "main~1")
    assert git(repo, "log", "-1", "--format=%b").strip() == f"This reverts commit {new_name}, see {new_name[:9]}."


def test_signatures_that_no_longer_hold_are_removed_and_named(tmp_path: Path) -> None:
    repo = grown(tmp_path, github_token())
    signed = git(repo, "cat-file", "commit", "main").replace(
        "\n\n", "\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n made up\n\n", 1
    )
    name = git(repo, "hash-object", "-w", "-t", "commit", "--stdin", data=signed.encode())
    git(repo, "update-ref", "refs/heads/signed", name)
    outcome = wiped(repo)
    assert outcome.done.unsigned == [name]
    assert "gpgsig" not in git(repo, "cat-file", "commit", "signed")


def test_a_second_secret_in_the_same_folder_has_another_name(tmp_path: Path) -> None:
    repo = new(tmp_path / "repo")
    names = sorted(github_token() for _ in range(2))
    add(repo, commit("refs/heads/main", *(put(name, name.encode()) for name in names)))
    git(repo, "reset", "-q", "--hard")
    wiped(repo)
    files = [name for name in os.listdir(repo) if name.startswith("xxx")]
    assert len(files) == 2
    assert not left(repo)
    git(repo, "fsck", "--strict")


def test_a_password_that_is_a_word_stays_a_word_elsewhere() -> None:
    rule = next(rule for rule in load()[0] if rule.id != "github-token")
    literals = Literals(targets([("postgres", rule), ("aW8gk2Lw0q9ZmX", rule)]), Scanner([]))
    hits, _ = literals.scan_all(b"image: postgres\nkey: aW8gk2Lw0q9ZmX\n")
    assert [hit.secret for hit in hits] == ["aW8gk2Lw0q9ZmX"]
    asked, _ = Literals(targets(given(b"postgres\n")), Scanner([])).scan_all(b"image: postgres\n")
    assert [hit.secret for hit in asked] == ["postgres"], "but what is given is meant"
