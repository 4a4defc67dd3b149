"""The hooks stop a new credential and nothing else: run by git itself, in every shape a commit can have."""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from seawall.program import command
from tests.audit.history.repository import environment, git, github_token, new
from tests.audit.history.scan import CLEAN, scan

SOURCE = Path(__file__).parents[2] / "src"
LEAST = 20  # files of the commit that is timed


def run(repo: Path, *arguments: str, data: bytes = b"", **more: str) -> subprocess.CompletedProcess[str]:
    """`seawall secrets guard` in a repository."""
    done = subprocess.run(
        command("secrets", "guard", *arguments),
        cwd=repo,
        input=data,
        capture_output=True,
        check=False,
        env=environment(**more),
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def commit(repo: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["git", "-C", str(repo), "commit", "-q", "-m", "Work", *arguments],
        capture_output=True,
        check=False,
        env=environment(PYTHONPATH=str(SOURCE)),
    )


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return new(tmp_path / "repo")


@pytest.fixture
def guarded(repo: Path) -> Path:
    assert run(repo, "install").returncode == 0
    return repo


def stage(repo: Path, path: str, text: str) -> None:
    (repo / path).parent.mkdir(parents=True, exist_ok=True)
    (repo / path).write_text(text)
    git(repo, "add", path)


def test_a_new_credential_is_stopped_and_masked(guarded: Path) -> None:
    secret = github_token()
    stage(guarded, "conf/a.py", f"x = 1\ntoken = '{secret}'\n")
    done = commit(guarded)
    said = done.stderr.decode()
    assert done.returncode == 1
    assert "conf/a.py:2" in said
    assert "--no-verify" in said
    assert "seawall secrets accept" in said
    assert secret not in said
    assert git(guarded, "log", "--format=%s", "-1") == "It weaves"
    assert commit(guarded, "--no-verify").returncode == 0


def test_nothing_found_nothing_said(guarded: Path) -> None:
    stage(guarded, "a.py", "x = 1\n")
    done = commit(guarded)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_what_was_there_before_does_not_block(guarded: Path) -> None:
    secret = github_token()
    stage(guarded, "a.py", f"t = '{secret}'\n")
    commit(guarded, "--no-verify")
    stage(guarded, "a.py", f"# more\n\nt = '{secret}'\n")
    assert commit(guarded).returncode == 0
    git(guarded, "mv", "a.py", "b.py")
    assert commit(guarded).returncode == 0, "a rename brings nothing in"
    git(guarded, "rm", "-q", "b.py")
    assert commit(guarded).returncode == 0
    stage(guarded, "c.py", f"t = '{github_token()}'\n")
    assert commit(guarded).returncode == 1


def test_only_what_is_staged_counts(guarded: Path) -> None:
    stage(guarded, "a.py", "x = 1\n")
    (guarded / "a.py").write_text(f"t = '{github_token()}'\n")
    assert commit(guarded).returncode == 0
    assert commit(guarded, "a.py").returncode == 1, "git commit FILE has an index of its own"
    assert commit(guarded, "-a").returncode == 1


def test_before_the_first_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    stage(tmp_path, "a.py", f"t = '{github_token()}'\n")
    stopped = run(tmp_path, "--staged")
    assert stopped.returncode == 1
    assert "Then: git reset FILE," in stopped.stderr
    git(tmp_path, "reset", "a.py")
    assert not git(tmp_path, "ls-files")
    stage(tmp_path, "a.py", "t = 1\n")
    assert run(tmp_path, "--staged").returncode == 0


def test_odd_entries(guarded: Path, tmp_path: Path) -> None:
    """Symbolic links, names with spaces and line ends, binary files, submodules, files only announced, modes."""
    secret = github_token()
    other = new(tmp_path / "other")
    git(guarded, "-c", "protocol.file.allow=always", "submodule", "-q", "add", str(other), "lib")
    stage(guarded, "a b\nc.py", "x = 1\n")
    (guarded / "later.py").write_text(f"t = '{secret}'\n")
    git(guarded, "add", "--intent-to-add", "later.py")
    (guarded / "image.png").write_bytes(bytes(range(256)) * 9)
    git(guarded, "add", "image.png")
    assert commit(guarded).returncode == 0
    os.symlink(f"/srv/{secret}", guarded / "link")
    git(guarded, "add", "link")
    assert commit(guarded).returncode == 1
    git(guarded, "rm", "-q", "--cached", "link")
    stage(guarded, f"{secret}.txt", "x\n")
    done = commit(guarded)
    assert done.returncode == 1
    assert secret.encode() not in done.stderr


def test_a_merge_is_compared_to_both_sides(guarded: Path) -> None:
    secret = github_token()
    git(guarded, "switch", "-q", "-c", "side")
    stage(guarded, "a.py", f"t = '{secret}'\n")
    commit(guarded, "--no-verify")
    git(guarded, "switch", "-q", "main")
    stage(guarded, "b.py", "x = 1\n")
    commit(guarded)
    git(guarded, "merge", "-q", "--no-commit", "--no-ff", "side", PYTHONPATH=str(SOURCE))
    assert commit(guarded).returncode == 0, "it is in the other side's history already"


def test_message(guarded: Path) -> None:
    secret = github_token()
    done = commit(guarded, "--allow-empty", "-m", f"With {secret}")
    assert done.returncode == 1
    assert b"commit message:3" in done.stderr
    assert b"edit it" in done.stderr
    assert b"git reset" not in done.stderr
    file = guarded / "message"
    file.write_text(f"Work\n# {secret}\n# ------------------------ >8 ------------------------\n+{secret}\n")
    assert run(guarded, "--commit-msg", "message").returncode == 0, "git cuts this off"


def test_push(guarded: Path, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--bare", "there.git")
    git(guarded, "remote", "add", "origin", str(tmp_path / "there.git"))
    python = {"PYTHONPATH": str(SOURCE)}
    git(guarded, "push", "-q", "origin", "main", **python)
    stage(guarded, "a.py", f"t = '{github_token()}'\n")
    commit(guarded, "--no-verify")
    stage(guarded, "a.py", "t = 1\n")
    commit(guarded)
    with pytest.raises(subprocess.CalledProcessError) as stopped:
        git(guarded, "push", "-q", "origin", "main", **python)
    assert b"a.py:1" in stopped.value.stderr, "the commit before the tip has it"
    git(guarded, "push", "-q", "--no-verify", "origin", "main")
    stage(guarded, "b.py", "t = 1\n")
    commit(guarded)
    git(guarded, "push", "-q", "origin", "main", "HEAD:refs/heads/another", **python)
    git(guarded, "push", "-q", "origin", ":another", **python)
    stage(guarded, "b\u2028c.py", "t = 2\n")
    commit(guarded)
    git(guarded, "push", "-q", "origin", "HEAD:refs/heads/a\u2028b", **python)
    git(guarded, "tag", "-a", "-m", github_token(), "v1")
    with pytest.raises(subprocess.CalledProcessError):
        git(guarded, "push", "-q", "origin", "v1", **python)


def test_what_lies_among_tests_alone_is_for_information(guarded: Path, tmp_path: Path) -> None:
    """As the scan says it, at commit and at push; what a vendor issues is stopped wherever it lies."""
    git(tmp_path, "init", "-q", "--bare", "there.git")
    git(guarded, "remote", "add", "origin", str(tmp_path / "there.git"))
    git(guarded, "push", "-q", "origin", "main")
    stage(guarded, "tests/conftest.py", "PASSWORD = 'Zq8vN2xKw7Rb4'\n")
    done = commit(guarded)
    said = done.stderr.decode()
    assert done.returncode == 0, said
    assert "for information: 1 lies among tests or documentation only" in said
    assert "tests/conftest.py:1" in said
    assert "Zq8vN2xKw7Rb4" not in said
    assert scan(guarded).code == CLEAN
    command = ["git", "-C", str(guarded), "push", "-q", "origin", "main"]
    push = subprocess.run(command, capture_output=True, check=False, env=environment(PYTHONPATH=str(SOURCE)))
    assert push.returncode == 0, push.stderr
    assert b"for information" in push.stderr

    stage(guarded, "tests/test_a.py", f"T = '{github_token()}'\npassword = 'Kw7Rb4Zq8vN2x'\n")
    both = commit(guarded)
    assert both.returncode == 1
    assert b"1 credential in this commit" in both.stderr
    assert b"for information: 1 lies" in both.stderr
    git(guarded, "rm", "-q", "-f", "tests/test_a.py")
    for path in ("tests/conftest.py", "settings.py"):
        stage(guarded, path, "PASSWORD = 'Kw7Rb4Zq8vN2x'\n")
    elsewhere = commit(guarded)
    assert elsewhere.returncode == 1, "the same one outside of the tests"
    assert b"2 credentials in this commit" in elsewhere.stderr
    commit(guarded, "--no-verify")
    ranged = run(guarded, "--range", "HEAD~1..HEAD")
    assert ranged.returncode == 1, "git names but one of two files that are the same"


def test_what_stands_in_a_docstring_is_for_information(guarded: Path) -> None:
    text = 'def connect(password):\n    """As in `connect(password="Zq8vN2xKw7Rb4")`."""\n'
    stage(guarded, "shop.py", text)
    done = commit(guarded)
    assert done.returncode == 0, done.stderr
    assert b"for information: 1 lies" in done.stderr
    assert scan(guarded).code == CLEAN
    stage(guarded, "shop.py", text + '    return password == "Kw7Rb4Zq8vN2x"\n')
    assert commit(guarded).returncode == 1


def test_the_same_file_twice_is_for_information_only_if_both_are(guarded: Path) -> None:
    """They are one object, of which git rev-list names but the first path."""
    for path in ("docs/a.py", "main.py"):
        stage(guarded, path, "PASSWORD = 'Zq8vN2xKw7Rb4'\n")
    assert commit(guarded).returncode == 1
    commit(guarded, "--no-verify")
    assert run(guarded, "--range", "HEAD~1..HEAD").returncode == 1
    git(guarded, "rm", "-q", "main.py")
    git(guarded, "commit", "-q", "--amend", "--no-edit", "--no-verify")
    assert run(guarded, "--range", "HEAD~1..HEAD").returncode == 0


def test_a_line_that_another_file_had_is_new_here(guarded: Path) -> None:
    line = f"T = '{github_token()}'\n"
    stage(guarded, "a.py", line)
    commit(guarded, "--no-verify")
    stage(guarded, "a.py", "x = 1\n")
    stage(guarded, "z.py", "y = 2\n" + line)
    assert b"z.py:2" in commit(guarded).stderr


def test_range(repo: Path) -> None:
    stage(repo, "a.py", f"t = '{github_token()}'\n")
    commit(repo)
    stage(repo, "b.py", "x = 1\n")
    commit(repo)
    assert run(repo, "--range", "HEAD~2..HEAD").returncode == 1
    assert run(repo, "--range", "HEAD~1..HEAD").returncode == 0
    wrong = run(repo, "--range", "nothing..HEAD")
    assert wrong.returncode == 2
    assert "no commit nothing" in wrong.stderr
    assert "fetch-depth: 0" in wrong.stderr
    assert run(repo, "--range", "--all").returncode == 2
    assert run(repo, "--range", "HEAD~1..HEAD", "--staged").returncode == 2


def test_a_message_of_a_range(repo: Path) -> None:
    git(repo, "commit", "-q", "--allow-empty", "-m", "Work", "-m", f"With {github_token()}")
    said = run(repo, "--range", "HEAD~1..HEAD").stderr
    assert f"commit message of {git(repo, 'rev-parse', 'HEAD')[:8]}:3" in said, "without the header's lines"
    assert "git commit --amend" in said
    assert "push" not in said
    git(repo, "commit", "-q", "--allow-empty", "-m", "Work", f"--author={github_token()} <ada@analytical.test>")
    assert "  author of" in run(repo, "--range", "HEAD~1..HEAD").stderr


def test_a_shallow_clone(repo: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{repo}", "shallow")
    done = run(tmp_path / "shallow", "--range", "HEAD~1..HEAD")
    assert done.returncode == 3
    assert "fetch-depth: 0" in done.stderr


def test_no_repository(tmp_path: Path) -> None:
    for arguments in (["--staged"], ["install"], ["uninstall"], ["--range", "a..b"]):
        done = run(tmp_path, *arguments)
        assert done.returncode == 2
        assert "There is no git repository in" in done.stderr
        assert len(done.stderr.splitlines()) == 2
    without = run(tmp_path, "--staged", PATH="/nowhere")
    assert without.returncode == 2
    assert "git is not installed" in without.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_the_repository_of_another_user(repo: Path) -> None:
    for path in (repo, repo / ".git"):
        os.chown(path, 65534, 65534)
    for arguments in ("--staged", "install"):
        done = run(repo, arguments)
        assert done.returncode == 2
        assert "belongs to another user" in done.stderr
        assert len(done.stderr.splitlines()) == 2


def test_hooks_that_cannot_be_written(repo: Path, tmp_path: Path) -> None:
    shutil.rmtree(repo / ".git/hooks")
    (repo / ".git/hooks").write_text("")
    done = run(repo, "install")
    assert done.returncode == 2
    assert "cannot be changed" in done.stderr
    assert "Traceback" not in done.stderr
    git(tmp_path, "init", "-q", "--bare", "there.git")
    bare = run(tmp_path / "there.git", "install")
    assert bare.returncode == 2
    assert "bare" in bare.stderr


def test_baseline(guarded: Path) -> None:
    stage(guarded, "a.py", f"t = '{github_token()}'\n")
    said = commit(guarded).stderr.decode()
    accept(guarded, *marks(said))
    assert commit(guarded).returncode == 0


def marks(said: str) -> list[str]:
    return [part.split()[0] for part in said.split("seawall secrets accept ")[1:]]


def accept(repo: Path, *given: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "seawall", "secrets", "accept", *given, "--reason", "made up for a test"],
        cwd=repo, capture_output=True, check=False, env=environment(PYTHONPATH=str(SOURCE)),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_files_that_are_credentials_by_their_names(guarded: Path, tmp_path: Path) -> None:
    """Only where nothing else is found in them, as the scan says it: what it does not know, nobody could accept."""
    stage(guarded, ".git-credentials", f"https://ada:{github_token()}@github.com\n")
    (guarded / "server.p12").write_bytes(b"0\x82\x09\x01\x02\x01\x03 made up\n")
    git(guarded, "add", "server.p12")
    said = commit(guarded).stderr.decode()
    assert said.count(".git-credentials:1") == 1
    assert "Key store" in said
    assert len(marks(said)) == 2
    accept(guarded, *marks(said))
    assert commit(guarded).returncode == 0
    git(tmp_path, "init", "-q", "--bare", "there.git")
    git(guarded, "push", "-q", str(tmp_path / "there.git"), "main", PYTHONPATH=str(SOURCE))


def test_other_hooks_go_first(repo: Path) -> None:
    hook = repo / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\necho before\nexit ${FAIL:-0}\n")
    hook.chmod(0o755)
    assert run(repo, "install").returncode == 0
    assert run(repo, "install").returncode == 0, "twice is once"
    stage(repo, "a.py", "x = 1\n")
    assert b"before" in commit(repo).stderr
    assert run(repo, "uninstall").returncode == 0
    assert hook.read_text().startswith("#!/bin/sh\necho before")
    assert {path.name for path in hook.parent.iterdir() if not path.name.endswith(".sample")} == {"pre-commit"}


@pytest.mark.parametrize("husky", [False, True])
def test_hooks_that_others_share_are_left_alone(repo: Path, husky: bool) -> None:
    folder = repo / (".husky/_" if husky else "hooks")
    folder.mkdir(parents=True)
    git(repo, "config", "core.hooksPath", str(folder))
    done = run(repo, "install")
    assert done.returncode == 2
    assert "in this work tree" in done.stderr
    where = repo / ".husky" if husky else folder
    assert f"Add to {where}/pre-commit: seawall secrets guard --staged" in done.stderr
    assert not list(folder.iterdir())


def test_the_framework_is_told_how(repo: Path) -> None:
    hook = repo / ".git/hooks/pre-commit"
    hook.write_text("#!/usr/bin/env bash\n# File generated by pre-commit: https://pre-commit.com\n")
    done = run(repo, "install")
    assert done.returncode == 2
    for entry in ("seawall-secrets\n", "seawall-secrets-message", "seawall-secrets-push"):
        assert f"id: {entry}" in done.stdout + done.stderr
    assert "generated by pre-commit" in hook.read_text()


def test_a_linked_work_tree(guarded: Path, tmp_path: Path) -> None:
    git(guarded, "worktree", "add", "-q", str(tmp_path / "linked"))
    stage(tmp_path / "linked", "a.py", f"t = '{github_token()}'\n")
    assert commit(tmp_path / "linked").returncode == 1


def test_own_rules(repo: Path) -> None:
    (repo / ".seawall-rules.toml").write_text(
        "[[rule]]\nid = 'shop-key'\nvendor = 'Shop'\ndescription = 'Key of the shop'\nkeywords = ['shopkey_']\n"
        "pattern = 'shopkey_[0-9a-f]{16}'\npositive = []\nnegative = []\n"
    )
    stage(repo, "a.py", "k = 'shopkey_9f8e7d6c5b4a3f21'\n")
    done = run(repo, "--staged")
    assert done.returncode == 1
    assert "Key of the shop" in done.stderr


def test_what_the_fast_way_leaves_out_is_not_imported(repo: Path) -> None:
    stage(repo, "a.py", "x = 1\n")
    run(repo, "--staged")
    code = (
        "import sys; sys.argv = ['seawall', 'secrets', 'guard', '--staged']; import seawall.__main__ as m; m.main(); "
    )
    unwanted = ("click", "rich", "pydantic", "jinja2", "tomllib", "sqlite3", "tempfile")
    code += f"print([name for name in {unwanted} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=repo, capture_output=True, check=True, env=environment(PYTHONPATH=str(SOURCE))
    )
    assert done.stdout.strip() == b"[]"


def test_ten_thousand_files(repo: Path) -> None:
    for number in range(10_000):
        (repo / f"f{number}.py").write_text(f"x = {number}\n")
    git(repo, "add", ".")
    run(repo, "--staged")
    one = spent(lambda: [git(repo, "rev-parse", "HEAD") for _ in range(100)]) / 100
    assert spent(lambda: run(repo, "--staged")) < 10_000 * one / 2, "a git for each file"
    assert run(repo, "--staged").returncode == 0


def spent(work: Callable[[], object]) -> float:
    """Processor seconds of the processes that `work` starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
