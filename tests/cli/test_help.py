"""What a person reads who asks for help, mistypes, or asks for a site that is not there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from seawall.cli.main import VERBS
from seawall.paths import locate
from tests.patience import PATIENCE


def seawall(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "seawall", "-C", str(folder), *arguments]
    environment = {**os.environ, "COLUMNS": "80"}
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE, env=environment)


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help_fits_eighty_columns(tmp_path: Path, verb: str) -> None:
    shown = seawall(tmp_path, *[word for word in (verb, "--help") if word])
    assert shown.returncode == 0
    assert "Usage:" in shown.stdout
    assert max(len(line) for line in shown.stdout.splitlines()) <= 80


def test_all_verbs_are_listed_without_importing_them(tmp_path: Path) -> None:
    shown = seawall(tmp_path, "--help").stdout
    assert [line.split()[0] for line in shown.partition("Commands:")[2].splitlines() if line[2:3].strip()] == list(
        VERBS
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["stauts"], "There is no command `stauts`. Did you mean `seawall status`?"),
        (["frobnicate"], "There is no command `frobnicate`. See: seawall --help"),
        (["status", "--jsn"], "Did you mean '--json'?"),
        (["set", "servers.min"], "Missing argument 'VALUE'"),
        (["-C", "nowhere", "status"], "'nowhere' does not exist"),
        (["down", "now"], "Did you mean --now?"),
        (["down", "later"], "Got unexpected extra argument (later)\n"),
        (["events", "-n", "-3"], "-3 is not in the range"),
        (["reload", "/", "--dry-run"], "For another folder: seawall -C / reload --dry-run\n"),
    ],
)
def test_a_slip_is_answered_with_what_was_meant(tmp_path: Path, arguments: list[str], words: str) -> None:
    answer = seawall(tmp_path, *arguments)
    assert answer.returncode == 2
    assert words in answer.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["status"],
        ["down"],
        ["doctor"],
        ["events"],
        ["logs"],
        ["trust"],
        ["restart", "all"],
        ["secrets", "guard", "install"],
    ],
)
def test_a_folder_is_named_before_the_verb(tmp_path: Path, arguments: list[str]) -> None:
    other = tmp_path / "the other"
    other.mkdir()
    answer = seawall(tmp_path, *arguments, str(other))
    assert answer.returncode == 2
    assert f"seawall -C '{other}' {arguments[0]}" in answer.stderr


@pytest.mark.parametrize("options", [[], ["-d"], ["--replace"], ["-d", "--replace"]], ids=" ".join)
def test_a_folder_without_an_application_is_left_as_it_was(tmp_path: Path, options: list[str]) -> None:
    answer = seawall(tmp_path, "up", *options)
    assert answer.returncode != 0
    assert f"There is no application in {tmp_path}" in answer.stderr
    paths = locate(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert [path for path in (paths.state, paths.logs, paths.runtime) if path.exists()] == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["status"], ["status", "--json"], ["status", "--watch"], ["set", "servers.min", "3"], ["drain", "s1"],
        ["restart", "all"], ["kill", "s1"], ["events"], ["events", "--follow"], ["explain"], ["logs"], ["down"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_nothing_runs(tmp_path: Path, arguments: list[str]) -> None:
    answer = seawall(tmp_path, *arguments)
    assert answer.returncode == 3
    assert answer.stdout == ""
    assert "seawall up" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert list(tmp_path.iterdir()) == [], "a question leaves nothing behind"
