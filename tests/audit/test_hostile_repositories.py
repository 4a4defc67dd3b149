"""Nothing that a repository contains or configures is ever run, and its secrets are found all the same."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from seawall.program import command
from tests.audit.history.repository import environment, git, github_token
from tests.audit.history.scan import SOURCE
from tests.audit.hostile import NAMES, Hostile

ROOT = SOURCE.parent
MISLEADING = (".", "", f"{SOURCE}:", "relative")


@pytest.fixture
def hostile(tmp_path: Path) -> Hostile:
    return Hostile(tmp_path)


def run(repo: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=repo, env=environment(**more), capture_output=True, text=True, check=False)


def guard(repo: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return run(repo, *command("secrets", "guard", *arguments), **more)


def stage(repo: Path, text: str) -> None:
    (repo / "new.txt").write_text(text)
    git(repo, "add", "new.txt")


@pytest.mark.parametrize("path", MISLEADING)
def test_the_hooks_import_nothing_from_the_work_tree(hostile: Hostile, path: str, tmp_path: Path) -> None:
    repo = hostile.path
    assert guard(repo, "install").returncode == 0
    hostile.hold_modules()
    run(repo, sys.executable, "-m", "seawall")
    assert hostile.ran(), "Python itself runs what is there"
    misled = {"PYTHONPATH": path, "PYTHONHOME": "", "PYTHONSTARTUP": "json.py"}

    stage(repo, f"t = '{github_token()}'\n")
    stopped = run(repo, "git", "commit", "-m", "Work", **misled)
    assert (stopped.returncode, "new.txt:1" in stopped.stderr) == (1, True), stopped.stderr
    stage(repo, "t = 1\n")
    stopped = run(repo, "git", "commit", "-m", f"With {github_token()}", **misled)
    assert (stopped.returncode, "commit message" in stopped.stderr) == (1, True), stopped.stderr
    made = run(repo, "git", "commit", "-qm", "Work", **misled)
    assert (made.returncode, made.stderr) == (0, "")

    git(tmp_path, "init", "-q", "--bare", "there.git")
    pushed = run(repo, "git", "push", "-q", "../there.git", "main", **misled)
    assert (pushed.returncode, pushed.stderr) == (0, "")
    git(repo, "tag", "-a", "-m", github_token(), "v1")
    assert run(repo, "git", "push", "-q", "../there.git", "v1", **misled).returncode == 1
    assert hostile.ran() == ""


@pytest.mark.parametrize("name", NAMES)
def test_each_name_alone(hostile: Hostile, name: str) -> None:
    """One module may end the import before another's turn comes."""
    repo = hostile.path
    assert guard(repo, "install").returncode == 0
    hostile.hold_modules()
    git(repo, "rm", "-q", *(other for other in NAMES if other != name))
    assert run(repo, "git", "commit", "-qm", "Work", PYTHONPATH=".").returncode == 0
    stage(repo, f"t = '{github_token()}'\n")
    assert "new.txt:1" in run(repo, "git", "commit", "-m", "Work", PYTHONPATH=".").stderr
    assert hostile.ran() == ""


def test_the_first_run_prepares_the_rules_elsewhere(hostile: Hostile, tmp_path: Path) -> None:
    hostile.hold_modules()
    stage(hostile.path, f"t = '{github_token()}'\n")
    for cache in (str(tmp_path / "cache"), "relative"):
        done = guard(hostile.path, "--staged", PYTHONPATH=".", XDG_CACHE_HOME=cache, HOME=str(tmp_path / "home"))
        assert done.returncode == 1, done.stderr
        assert "preparing" in done.stderr
    assert not (hostile.path / "relative").exists(), "a cache that a repository could bring along"
    assert hostile.ran() == ""


def test_the_recipe_for_the_framework(hostile: Hostile, tmp_path: Path) -> None:
    """As pre-commit runs it: with the folder of its own Python first on PATH, in the work tree."""
    hostile.hold_modules()
    entries = re.findall(r"entry: (.+)", (ROOT / ".pre-commit-hooks.yaml").read_text())
    assert len(entries) == 3
    stage(hostile.path, f"t = '{github_token()}'\n")
    message = tmp_path / "message"
    message.write_text(github_token())
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    for entry, argument in zip(entries, ("", str(message), ""), strict=True):
        script = f"{entry} {argument}"
        settled = {"PATH": path, "PYTHONPATH": "."}
        if "--push" in entry:
            settled |= {"PRE_COMMIT_FROM_REF": "HEAD~1", "PRE_COMMIT_TO_REF": "HEAD"}
        done = run(hostile.path, "sh", "-c", script, **settled)
        assert done.returncode == (0 if "--push" in entry else 1), done.stderr
    assert hostile.ran() == ""


def test_hooks_of_an_earlier_version_are_renewed(hostile: Hostile) -> None:
    repo = hostile.path
    assert guard(repo, "install").returncode == 0
    hooks = {repo / ".git/hooks" / name for name in ("pre-commit", "commit-msg", "pre-push")}
    now = {hook: hook.read_text() for hook in hooks}
    for hook, text in now.items():
        hook.write_text(text.replace(" -E -P ", " "))
        assert hook.read_text() != text
    other = repo / ".git/hooks/pre-commit.before-seawall"
    other.write_text("#!/bin/sh\npython -m seawall secrets guard --staged\n")
    stage(repo, "t = 1\n")
    done = run(repo, "git", "commit", "-qm", "Work")
    assert done.returncode == 0, done.stderr
    assert "seawall: renewed pre-commit, commit-msg, pre-push" in done.stderr
    assert {hook: hook.read_text() for hook in hooks} == now
    assert "-P" not in other.read_text(), "somebody else's"
    hostile.hold_modules()
    stage(repo, "t = 2\n")
    done = run(repo, "git", "commit", "-qm", "Work", PYTHONPATH=".")
    assert (done.returncode, done.stderr) == (0, "")
    assert hostile.ran() == ""


def test_a_hook_that_would_not_find_seawall_is_not_written(hostile: Hostile) -> None:
    """Seawall on PYTHONPATH only: such a hook would stop every commit."""
    bare = getattr(sys, "_base_executable", sys.executable)
    folders = [str(SOURCE), *(folder for folder in sys.path if folder.endswith("site-packages"))]
    words = [bare, *command("secrets", "guard", "install")[2:]]
    done = run(hostile.path, *words, PYTHONPATH=os.pathsep.join(folders))
    assert done.returncode == 2, done.stderr
    assert "only by PYTHONPATH" in done.stderr
    assert not (hostile.path / ".git/hooks/pre-commit").exists()


def test_git_runs_nothing_that_the_repository_configures(hostile: Hostile, tmp_path: Path) -> None:
    repo = hostile.path
    secret = github_token()
    hostile.sign()
    stage(repo, f"t = '{secret}'\n")
    missing = git(repo, "rev-parse", "HEAD:engine.py")
    hostile.configure()
    for words in (("log", "--format="), ("status",), ("cat-file", "-p", "0" * 39 + "1"), ("update-index", "--refresh")):
        run(repo, "git", *words)
        assert hostile.ran(), f"git {words[0]} itself runs what is configured"
    (repo / ".git/objects" / missing[:2] / missing[2:]).unlink()  # git asks the remote for it

    assert guard(repo, "--staged").returncode == 1
    ranged = guard(repo, "--range", "HEAD~1..HEAD")
    assert "for information" in ranged.stderr, ranged.stderr
    guard(repo, "--range", "HEAD")
    guard(repo, "--push", "origin")
    assert guard(repo, "uninstall").returncode == 0
    assert hostile.ran() == ""
    scanned = run(repo, *command("secrets", "scan", str(repo), "--json"))
    assert secret not in scanned.stdout
    assert "new.txt" in scanned.stdout, scanned.stderr
    assert hostile.ran() == ""


def test_a_wipe_runs_no_hook(hostile: Hostile) -> None:
    """Filters it must run: what git checks out is made by them."""
    repo = hostile.path
    stage(repo, f"t = '{github_token()}'\n")
    git(repo, "commit", "-qm", "Work")
    hostile.sign()
    hostile.configure(fetching=False)
    git(repo, "config", "--remove-section", "filter.evil")
    done = run(repo, *command("secrets", "wipe", "--yes"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert hostile.ran() == ""


def test_a_bare_repository_among_the_files_of_another(hostile: Hostile) -> None:
    """Git takes a checked-out folder with HEAD, objects and refs for a repository, and believes its `config`."""
    repo = hostile.path
    hostile.sign()
    inner = repo / "inner"
    git(repo, "clone", "-q", "--bare", str(repo), str(inner))
    hostile.configure()
    (inner / "config").write_text((repo / ".git/config").read_text().replace("bare = false", "bare = true"))
    (repo / ".git/config").write_text("[core]\n\trepositoryformatversion = 0\n")
    run(inner, "git", "log", "--format=")
    assert hostile.ran()
    run(inner, *command("secrets", "scan", ".", "--json"))
    assert "for information" in guard(inner, "--range", "HEAD~1..HEAD").stderr
    guard(inner, "--staged")
    assert hostile.ran() == ""
