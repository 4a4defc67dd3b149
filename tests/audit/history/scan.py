"""Runs `seawall secrets scan` as a user does, and reads what it says."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.audit.history.repository import environment

TOKEN = "secrets/github-token"
SOURCE = Path(__file__).parents[3] / "src"
CLEAN, FINDINGS, ERROR, INCOMPLETE = range(4)


@dataclass(frozen=True)
class Scan:
    """How a scan ended."""

    code: int
    output: str  # standard output
    errors: str
    findings: list[dict[str, Any]]
    gaps: list[dict[str, str]]

    @property
    def tokens(self) -> list[dict[str, Any]]:
        """The findings that are GitHub tokens."""
        return [each for each in self.findings if each["id"] == TOKEN]

    @property
    def what_is_missing(self) -> str:
        return "\n".join(f"{gap['what']} {gap['remedy']}" for gap in self.gaps)


def scan(path: Path, timeout: float = 120, **more: str) -> Scan:
    """`seawall secrets scan PATH --json`, with `more` in its environment. An error's output need not be JSON."""
    done = subprocess.run(
        [sys.executable, "-m", "seawall", "secrets", "scan", str(path), "--json"],
        capture_output=True,
        timeout=timeout,
        check=False,
        cwd=path if path.is_dir() else path.parent,
        env=environment(PYTHONPATH=str(SOURCE), **more),
    )
    output, errors = done.stdout.decode(), done.stderr.decode()
    assert "Traceback" not in errors, errors
    said = json.loads(output) if done.returncode != ERROR else {"findings": [], "gaps": []}
    return Scan(done.returncode, output, errors, said["findings"], said["gaps"])
