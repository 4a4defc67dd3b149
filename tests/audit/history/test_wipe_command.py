"""`seawall secrets wipe` as people run it: what it shows, what it asks, and that it never shows a secret."""

import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from seawall.audit.finding import Place
from seawall.audit.fingerprint import fingerprint, of_credential
from seawall.audit.history.places import Credential
from seawall.audit.history.scan import Scan
from seawall.audit.history.wipe.targets import chosen
from seawall.audit.secrets.found import Hit, Sighting
from seawall.cli.secrets_wipe import _untouched
from seawall.errors import ConfigError
from tests.audit.history.repository import add, commit, environment, git, github_token, new, put
from tests.audit.history.scan import SOURCE
from tests.audit.history.wiping import RULE, left, state


def run(repo: Path, *arguments: str, data: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "seawall", "secrets", "wipe", *arguments],
        cwd=repo, input=data, capture_output=True, text=True, check=False,
        env=environment(PYTHONPATH=str(SOURCE)),
    )  # fmt: skip


@pytest.fixture
def secret() -> str:
    return github_token()


@pytest.fixture
def repo(tmp_path: Path, secret: str) -> Path:
    path = new(tmp_path / "repo")
    add(path, commit("refs/heads/main", put(f"conf/{secret}.py", f"T = '{secret}'\n".encode())))
    add(path, commit("refs/heads/main", message=f"Use {secret}".encode()))
    add(path, commit(f"refs/heads/{secret}/x", message=b"Side"))
    git(path, "reset", "-q", "--hard")
    git(path, "tag", "v1")
    git(path, "remote", "add", "origin", "https://github.com/analytical/engine.git")
    return path


def test_dry_run_shows_and_touches_nothing(repo: Path, secret: str) -> None:
    before = state(repo)
    done = run(repo, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "3 of 5 commits change" in done.stdout
    assert "refs/tags/v1" in done.stdout
    assert "(renamed)" in done.stdout
    assert secret not in done.stdout + done.stderr
    assert state(repo) == before


def test_the_name_is_asked_for(repo: Path) -> None:
    before = state(repo)
    for typed in ("another\n", "\n"):
        wrong = run(repo, data=typed)
        assert wrong.returncode == 2
        assert "That is not the name; nothing was changed." in wrong.stderr
    nobody = run(repo)
    assert (nobody.returncode, "Nothing was changed." in nobody.stderr) == (130, True)
    assert state(repo) == before
    assert run(repo, data="repo\n").returncode == 0
    assert not left(repo)


def test_the_checklist(repo: Path, secret: str, tmp_path: Path) -> None:
    done = run(repo, "--yes")
    assert done.returncode == 0, done.stderr
    (file,) = tmp_path.glob("repo-before-wipe-*.md")
    text = file.read_text()
    assert text in done.stdout
    assert text.index("Rotate every credential") < text.index("Push the new history") < text.index("Clean the host")
    for part in (
        "docs.github.com/en/authentication/keeping-your-account-and-data-secure/token-expiration",
        "removing-sensitive-data-from-a-repository",
        "git push --force origin main",
        "git push --force origin refs/tags/v1",
        "refs/pull/*",
        "clones anew",
    ):
        assert part in text
    assert secret not in done.stdout + done.stderr + text
    assert "Nothing to wipe" in run(repo, "--yes").stdout


def test_secrets_given_on_stdin(repo: Path, secret: str) -> None:
    add(repo, commit("refs/heads/main", put("a.txt", b"the codeword is rhubarb-custard\n")))
    git(repo, "reset", "-q", "--hard")
    done = run(repo, "--yes", "--secrets-file", "-", data="rhubarb-custard\n")
    assert done.returncode == 0, done.stderr
    assert git(repo, "show", "main:a.txt").startswith("the codeword is xxxx")
    assert left(repo), "only what was given"
    assert run(repo, "--yes", "--secrets-file", "-", data="abc\n").returncode == 2
    unanswerable = run(repo, "--secrets-file", "-", data="rhubarb-custard\n")
    assert unanswerable.returncode == 2
    assert "--yes" in unanswerable.stderr


def test_gits_own_files_are_kept_as_chosen(repo: Path, secret: str) -> None:
    git(repo, "config", "remote.origin.url", f"https://ada:{secret}@github.com/analytical/engine.git")
    done = run(repo, data="repo\nn\n")
    assert done.returncode == 1
    assert "The history is done." in done.stderr
    assert ".git/config" in done.stderr
    assert secret not in done.stdout + done.stderr
    assert left(repo) == ["config .git/config"]


def test_a_dry_run_with_changes_that_are_not_committed(repo: Path) -> None:
    (repo / "engine.py").write_text("changed\n")
    assert run(repo, "--dry-run").returncode == 0
    refused = run(repo, "--yes")
    assert refused.returncode == 2
    assert "1 file has changes" in refused.stderr


def test_submodules_are_wiped_by_themselves(repo: Path, tmp_path: Path) -> None:
    library, inside = new(tmp_path / "library"), github_token()
    add(library, commit("refs/heads/main", put("b.py", f"T = '{inside}'\n".encode())))
    git(repo, "-c", "protocol.file.allow=always", "submodule", "-q", "add", str(library), "lib")
    git(repo, "commit", "-q", "-m", "With the library")
    done = run(repo, "--yes")
    assert done.returncode == 1
    assert f"seawall secrets wipe {repo / 'lib'}" in done.stderr
    assert inside not in done.stdout + done.stderr
    assert all(place.startswith("file lib/") for place in left(repo)), "the rest was done"
    again = run(repo, "--yes")
    assert (again.returncode, "Nothing to wipe" in again.stdout) == (1, True)
    assert run(repo / "lib", "--yes").returncode == 0
    assert not left(repo)
    assert git(repo, "status", "--porcelain", "--ignored") == " M lib", "nothing of the wipe lies in the work tree"
    assert len(list(tmp_path.glob("repo-before-wipe-*.git"))) == 1
    (backup,) = tmp_path.glob("repo-lib-before-wipe-*.git")
    assert backup.stat().st_mode & 0o777 == 0o700
    assert inside in git(backup, "--work-tree=.", "show", "HEAD:b.py")
    assert backup.with_suffix(".md").exists()


def test_the_backup_of_a_submodule_without_a_work_tree(repo: Path, tmp_path: Path) -> None:
    library = new(tmp_path / "library")
    add(library, commit("refs/heads/main", put("b.py", f"T = '{github_token()}'\n".encode())))
    git(repo, "-c", "protocol.file.allow=always", "submodule", "-q", "add", str(library), "lib")
    module = repo / ".git" / "modules" / "lib"
    git(module, "config", "--unset", "core.worktree")
    git(module, "config", "core.bare", "true")
    done = run(module, "--yes")
    assert done.returncode == 0, done.stderr
    assert [path.suffix for path in sorted(tmp_path.glob("repo-modules-lib-before-wipe-*"))] == [".git", ".md"]
    assert not list(repo.rglob("*before-wipe*"))


def test_one_rule_or_finding(repo: Path, secret: str) -> None:
    assert run(repo, "--dry-run", "--rule", "github-token").returncode == 0
    wrong = run(repo, "--dry-run", "--rule", "no-such-rule")
    assert wrong.returncode == 2
    assert "seawall secrets scan" in wrong.stderr
    assert run(repo, "--dry-run", "--rule", "secrets/github-token").returncode == 0, "as the scan prints it"
    assert run(repo, "--dry-run", "--finding", "0" * 32).returncode == 2
    assert (
        run(repo, "--dry-run", "--finding", fingerprint("secrets/github-token", secret, issued=True)[:8]).returncode
        == 0
    )


def test_ctrl_c_says_that_nothing_was_changed(capsys: pytest.CaptureFixture[str]) -> None:
    """That it is true at every step is in test_wipe_safety.py."""
    with pytest.raises(KeyboardInterrupt), _untouched():
        raise KeyboardInterrupt
    assert "Nothing was changed." in capsys.readouterr().err


def test_the_beginning_of_a_fingerprint() -> None:
    place = Place("file", "a.py", 1)
    sighting = Sighting(Hit(RULE, "", 0, 0, "format"), (), 1, "", 0)
    secrets = [github_token() for _ in range(17)]  # two of them begin with the same digit
    found = Scan([Credential(RULE, secret, "format", sighting, [place]) for secret in secrets])
    marks = sorted(of_credential(RULE, secret) for secret in secrets)
    same = next(one[0] for one, other in pairwise(marks) if one[0] == other[0])
    with pytest.raises(ConfigError, match=f"begins with {same}"):
        chosen(found, (), (same,))
    assert len(chosen(found, (), (marks[0], marks[1][:20]))) == 2
    with pytest.raises(ConfigError, match="no finding"):
        chosen(found, (), ("",))


def test_what_the_baseline_accepts_stays(repo: Path) -> None:
    accept = [sys.executable, "-m", "seawall", "secrets", "accept", "all", "--reason", "made up"]
    subprocess.run(accept, cwd=repo, check=True, capture_output=True, env=environment(PYTHONPATH=str(SOURCE)))
    assert "Nothing to wipe: the baseline accepts all that is found." in run(repo, "--yes").stdout
    assert left(repo)
    (repo / ".seawall-baseline").unlink()
    assert run(repo, "--yes").returncode == 0
    assert "Nothing to wipe: no such credential" in run(repo, "--yes").stdout


def test_a_file_that_is_a_credential_by_its_name(repo: Path) -> None:
    """It must not look like one to the rule for its name either."""
    add(repo, commit("refs/heads/main", put(".pgpass", b"db.analytical.test:5432:engine:ada:Zq8vN2xKw7Rb4\n")))
    add(repo, commit("refs/heads/main", put(".git-credentials", b"https://ada:Zq8vN2xKw7@git.analytical.test\n")))
    git(repo, "reset", "-q", "--hard")
    done = run(repo, "--yes")
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"db.analytical.test:5432:engine:ada:<x+>", git(repo, "show", "main:.pgpass"))
    assert "Nothing to wipe" in run(repo, "--yes").stdout


def test_one_too_short_is_refused_before_anything_changes(repo: Path, secret: str) -> None:
    """What only a user's own rule finds may be; with the remedy, and the rest can be wiped."""
    (repo / ".seawall-rules.toml").write_text(
        "[[rule]]\nid = 'door-pin'\nvendor = 'Door'\ndescription = 'Door'\nkeywords = ['doorpin']\n"
        "pattern = 'doorpin=([0-9]{4})'\npositive = ['doorpin=8421']\nnegative = []\n"
    )
    add(repo, commit("refs/heads/main", put("door.txt", b"doorpin=5179\n")))
    git(repo, "reset", "-q", "--mixed")
    git(repo, "add", ".seawall-rules.toml")
    git(repo, "commit", "-q", "-m", "Our rule, whose examples stay")
    git(repo, "reset", "-q", "--hard")
    before = state(repo)
    for arguments in (["--yes"], ["--dry-run"], ["--yes", "--rule", "door-pin"]):
        refused = run(repo, *arguments)
        assert refused.returncode == 2
        assert "1 credential is shorter than 6 characters" in refused.stderr
        assert "(door-pin)" in refused.stderr
        assert "by hand" in refused.stderr
        assert "5179" not in refused.stdout + refused.stderr
    assert state(repo) == before
    assert run(repo, "--yes", "--rule", "github-token").returncode == 0
    assert not left(repo)
    mark = re.search(r"([0-9a-f]{12}) \(door-pin\)", refused.stderr)
    assert mark
    accept = [sys.executable, "-m", "seawall", "secrets", "accept", mark[1], "--reason", "the old door"]
    subprocess.run(accept, cwd=repo, check=True, capture_output=True, env=environment(PYTHONPATH=str(SOURCE)))
    assert "Nothing to wipe" in run(repo, "--yes").stdout


def test_no_repository(tmp_path: Path) -> None:
    assert run(tmp_path, "--yes").returncode == 2
