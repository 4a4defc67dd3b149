"""What a scan of a real repository prints: findings, then information, then what was accepted, and nothing unsaid."""

import subprocess
import sys
from pathlib import Path

from tests.audit.history.repository import environment, git, github_token, new
from tests.audit.history.scan import CLEAN, ERROR, FINDINGS, SOURCE


def run(repo: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "seawall", "secrets", *arguments],
        cwd=repo, capture_output=True, text=True, check=False, env=environment(PYTHONPATH=str(SOURCE)),
    )  # fmt: skip


def test_the_order(tmp_path: Path) -> None:
    repo = new(tmp_path / "repo")
    (repo / "deploy.py").write_text(f"T = '{github_token()}'\n")
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "Deploy")
    nothing = run(repo, "accept", "", "--reason", "a variable that is not set")
    assert nothing.returncode == ERROR
    assert "No finding has a fingerprint that begins with ''" in nothing.stderr
    assert run(repo, "accept", "all", "--reason", "revoked in May", "--until", "2999-12-31").returncode == 0
    (repo / "tests").mkdir()
    for number in range(22):
        (repo / "tests" / f"test_{number}.py").write_text(f"password = 'Zq8vN2xKw7Rb{number:02}'\n")
    quiet = run(repo, "scan")
    assert quiet.returncode == CLEAN, quiet.stdout
    assert "… and 2 more for information" in quiet.stdout
    assert "deploy.py:1" in quiet.stdout
    assert "revoked in May (until 2999-12-31)" in " ".join(quiet.stdout.split())
    (repo / "other.py").write_text(f"T = '{github_token()}'\n")
    loud = run(repo, "scan")
    assert loud.returncode == FINDINGS
    assert loud.stdout.index("other.py:1") < loud.stdout.index("information · 22") < loud.stdout.index("accepted · 1")
    assert "… and 3 more for information" in loud.stdout
    assert "… and" not in run(repo, "scan", "--all").stdout
