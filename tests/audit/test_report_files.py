"""Where reports are written: refused before the scan, and what was there is not lost."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.audit.history.repository import environment, git, github_token, new
from tests.audit.history.scan import CLEAN, ERROR, FINDINGS, SOURCE


def run(repo: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "seawall", "secrets", "scan", str(repo), *arguments],
        capture_output=True, text=True, check=False, env=environment(PYTHONPATH=str(SOURCE)),
    )  # fmt: skip


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    path = new(tmp_path / "repo")
    (path / "a.py").write_text(f"T = '{github_token()}'\n")
    return path


@pytest.mark.parametrize("option", ["--html", "--sarif"])
def test_what_cannot_be_written_is_refused_before_the_scan(option: str, repo: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (repo / ".git" / "HEAD").unlink()  # a scan would say so
    for path in (tmp_path / "nowhere" / "report", tmp_path / "file" / "report", tmp_path / ("n" * 300)):
        done = run(repo, option, str(path))
        assert done.returncode == ERROR
        assert f"{path} cannot be written" in done.stderr
        assert "Name a file in a folder that is there" in done.stderr
        assert "Traceback" not in done.stderr
    folder = run(repo, option, str(tmp_path))
    assert folder.returncode == ERROR
    assert "is a directory" in folder.stderr


def test_a_baseline_that_is_not_there_is_not_taken_for_an_empty_one(repo: Path) -> None:
    done = run(repo, "--baseline", "acepted")
    assert done.returncode == ERROR
    assert "'acepted' does not exist" in done.stderr


def test_rules_that_are_not_there_are_not_taken_for_none(repo: Path) -> None:
    assert run(repo).returncode == FINDINGS  # our own rules alone are kept from then on
    done = run(repo, "--rules", str(repo / "rulez.toml"))
    assert done.returncode == ERROR
    assert "rulez.toml" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("options", ["", "--json"])
@pytest.mark.parametrize(
    ("where", "clean", "found", "said"),
    [
        (">&-", CLEAN, FINDINGS, ""),
        (">&- 2>&-", CLEAN, FINDINGS, ""),
        ("2>&-", CLEAN, FINDINGS, ""),
        ("| true", CLEAN, FINDINGS, ""),
        (">/dev/full", ERROR, ERROR, "No space left on device"),
    ],
)
def test_nobody_reads_it(options: str, where: str, clean: int, found: int, said: str, repo: Path) -> None:
    """Neither with output that Python keeps back until it ends, nor without."""
    command = f"set -o pipefail; {sys.executable} -m seawall secrets scan {repo} {options} {where}"
    for code in (found, clean):
        for unbuffered in ("", "1"):
            env = environment(PYTHONPATH=str(SOURCE), PYTHONUNBUFFERED=unbuffered)
            done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, env=env)
            assert done.returncode == code, done.stderr
            assert said in done.stderr
            assert "Traceback" not in done.stderr
            assert "Exception ignored" not in done.stderr
        (repo / "a.py").unlink(missing_ok=True)


def test_the_json_tells_every_place(repo: Path) -> None:
    token = github_token()
    (repo / "a.py").write_text(f"T = '{token}'\n\nU = '{token}'\n")
    git(repo, "add", "a.py")
    git(repo, "commit", "-qm", "Twice")
    (repo / "b.py").write_text(f"\nV = '{token}'\n")
    (finding,) = json.loads(run(repo, "--json").stdout)["findings"]
    assert [(each["path"], each["line"]) for each in finding["places"]] == [("a.py", 1), ("a.py", 3), ("b.py", 2)]
    assert finding["times"] == 3


def test_one_file_for_two_reports_is_refused(repo: Path, tmp_path: Path) -> None:
    done = run(repo, "--html", str(tmp_path / "report"), "--sarif", str(tmp_path / "repo" / ".." / "report"))
    assert done.returncode == ERROR
    assert "name the same file" in done.stderr


def test_the_last_report_outlives_a_scan_that_fails(repo: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    report.write_text("the last one")
    (repo / ".git" / "HEAD").write_text("garbage")
    done = run(repo, "--html", str(report))
    assert done.returncode == ERROR
    assert report.read_text() == "the last one"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["repo", "report.html"]


def test_a_report_in_the_repository_is_replaced_and_counts_for_nothing(repo: Path) -> None:
    (repo / "a.py").unlink()
    for _ in range(2):
        assert run(repo, "--html", str(repo / "report.html"), "--sarif", str(repo / "log.sarif")).returncode == CLEAN
        assert json.loads((repo / "log.sarif").read_text())["version"] == "2.1.0"
    others = git(repo, "ls-files", "--others").splitlines()
    assert others == ["log.sarif", "report.html"]


def test_a_link_stays_a_link_and_a_pipe_a_pipe(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("real.html")
    assert run(repo, "--html", str(tmp_path / "link")).returncode == FINDINGS
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real.html").read_text().startswith("<!doctype html>")
    done = run(repo, "--sarif", "/dev/stdout", "--json")
    assert done.returncode == FINDINGS
    assert '"version": "2.1.0"' in done.stdout
    assert Path("/dev/stdout").is_symlink()


def test_a_dash_prints_the_report_alone(repo: Path) -> None:
    done = run(repo, "--sarif", "-")
    assert (done.returncode, done.stderr) == (FINDINGS, "")
    assert json.loads(done.stdout)["version"] == "2.1.0"
    assert run(repo, "--html", "-").stdout.startswith("<!doctype html>")
    for more in (["--json"], ["--html", "-"]):
        both = run(repo, "--sarif", "-", *more)
        assert both.returncode == ERROR
        assert "Only one report can be printed" in both.stderr
    assert not Path("-").exists()
