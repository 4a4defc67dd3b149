"""Whatever interrupts a wipe: the original is as it was. And it does not begin where it could not end."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from seawall.audit.history.wipe.refuse import Incomplete, Refused
from seawall.audit.history.wipe.run import Remains
from tests.audit.history import wiping
from tests.audit.history.repository import environment, git, github_token, new
from tests.audit.history.wiping import left, state, surveyed, wiped


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A secret in a file's name, in a file that is in the work tree, and in a setting."""
    path, secret = new(tmp_path / "repo"), github_token()
    (path / "conf").mkdir()
    (path / f"conf/{secret}.txt").write_text("x")
    (path / "settings.py").write_text(f"TOKEN = '{secret}'\n")
    git(path, "add", ".")
    git(path, "commit", "-q", "-m", "Settings")
    git(path, "remote", "add", "origin", f"https://ada:{secret}@git.analytical.test/engine.git")
    return path


def steps(repo: Path, copy: Path) -> list[str]:
    shutil.copytree(repo, copy / "repo", symlinks=True)
    seen: list[str] = []
    wiped(copy / "repo", seen.append)
    return seen


def test_interrupted_at_every_step(repo: Path, tmp_path: Path) -> None:
    before = state(repo)
    todo = steps(repo, tmp_path / "copy")
    assert len(todo) > 8
    for chosen in todo:

        def stop(step: str, chosen: str = chosen) -> None:
            if step == chosen:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            wiped(repo, stop)
        assert state(repo) == before, chosen
        assert not git(repo, "status", "--porcelain"), chosen
        assert {path.name for path in tmp_path.iterdir()} == {"repo", "copy"}, chosen


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.audit.history.wiping import wiped
def stop(step):
    if step == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)
wiped(Path(sys.argv[1]), stop)
"""


def test_killed_at_every_step(repo: Path, tmp_path: Path) -> None:
    before = state(repo)
    todo = steps(repo, tmp_path / "copy")
    top = Path(wiping.__file__).parents[3]
    for chosen in todo:
        done = subprocess.run(
            [sys.executable, "-c", KILLED, str(repo), chosen],
            env=environment(PYTHONPATH=os.pathsep.join([str(top), str(top / "src")])),
            capture_output=True,
            check=False,
        )
        assert done.returncode == -signal.SIGKILL, done.stderr
        assert surveyed(repo) is not None, "the next one first puts back what the killed one moved"
        assert state(repo) == before, chosen
        assert not git(repo, "status", "--porcelain"), chosen
    assert not wiped(repo).remaining


def test_the_work_tree_follows(repo: Path) -> None:
    (repo / "notes.txt").write_text("not under version control\n")
    wiped(repo)
    assert not git(repo, "status", "--porcelain", "--untracked-files=no")
    assert "xxxx" in (repo / "settings.py").read_text()
    assert next(path.name for path in (repo / "conf").iterdir()).startswith("xxx")
    assert (repo / "notes.txt").exists()
    assert git(repo, "config", "remote.origin.url") == "https://git.analytical.test/engine.git"


def test_settings_are_kept_without_consent(repo: Path) -> None:
    outcome = wiped(repo, files=False)
    assert [place.kind for each in outcome.remaining for place in each.places] == ["config"]
    assert left(repo) == ["config .git/config"]


def test_twice(repo: Path) -> None:
    wiped(repo)
    assert surveyed(repo) is None


def test_bare(repo: Path, tmp_path: Path) -> None:
    git(repo, "clone", "-q", "--mirror", str(repo), str(tmp_path / "bare.git"))
    outcome = wiped(tmp_path / "bare.git")
    assert not left(tmp_path / "bare.git")
    assert outcome.backup.name.startswith("bare-before-wipe-")


@pytest.mark.parametrize("options", [("--depth=1",), ("--filter=blob:none", "--no-checkout")])
def test_part_of_a_history(repo: Path, tmp_path: Path, options: tuple[str, ...]) -> None:
    git(repo, "config", "uploadpack.allowFilter", "true")
    git(repo, "clone", "-q", *options, f"file://{repo}", str(tmp_path / "part"))
    before = state(tmp_path / "part")
    with pytest.raises(Incomplete) as refused:
        surveyed(tmp_path / "part")
    assert refused.value.exit_code == 3
    assert state(tmp_path / "part") == before


def test_changed_meanwhile(repo: Path) -> None:
    def commit(step: str) -> None:
        if step == "packing":
            git(repo, "commit", "-q", "--allow-empty", "-m", "Somebody works here")

    with pytest.raises(Refused, match="changed meanwhile"):
        wiped(repo, commit)
    assert git(repo, "log", "-1", "--format=%s") == "Somebody works here"
    assert left(repo)


def test_two_at_once(repo: Path) -> None:
    def another(step: str) -> None:
        if step == "packing":
            top = Path(wiping.__file__).parents[3]
            done = subprocess.run(
                [sys.executable, "-m", "seawall", "secrets", "wipe", "--yes", str(repo)],
                env=environment(PYTHONPATH=str(top / "src")), capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode == 2
            assert "at work here" in done.stderr

    assert not wiped(repo, another).remaining


def test_what_remains_is_not_put_in_place(repo: Path) -> None:
    secret = github_token()

    def hide(step: str) -> None:
        if step == "looking whether anything is left":
            (repo / ".git.wiped" / "description").write_text(secret)

    with pytest.raises(Remains):
        wiped(repo, hide)
    assert left(repo)
    assert not (repo / ".git.wiped").exists()
