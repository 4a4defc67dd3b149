"""Output that cannot be written: our own exit code, and a sentence where one can still be read."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.audit.history.repository import environment


def seawall(folder: Path, words: str, unbuffered: str = "") -> subprocess.CompletedProcess[str]:
    """In a shell. Python ends with 120 by itself where what it keeps back until then cannot be written."""
    command = f"set -o pipefail; {sys.executable} -P -m seawall {words}"
    env = environment(PYTHONUNBUFFERED=unbuffered)
    return subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, check=False, env=env)


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", ["--help", "--version", "doctor", "secrets rules", "secrets guard --help"])
def test_a_full_disk_is_told(tmp_path: Path, words: str, unbuffered: str) -> None:
    done = seawall(tmp_path, f"{words} >/dev/full", unbuffered)
    assert done.returncode == 1
    assert done.stderr.startswith("seawall: A file cannot be written: No space left on device.")
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_errors_keep_their_exit_code(tmp_path: Path, unbuffered: str) -> None:
    for words, code in (("status", 3), ("stauts", 2), ("secrets guard --staged", 2)):
        assert seawall(tmp_path, f"{words} 2>/dev/full", unbuffered).returncode == code
        assert seawall(tmp_path, f"{words} >/dev/full 2>/dev/full", unbuffered).returncode == code


def test_a_reader_that_goes_is_not_told(tmp_path: Path) -> None:
    assert seawall(tmp_path, "secrets rules | true").stderr == ""
