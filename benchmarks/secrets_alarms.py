"""Claim: Seawall raises no false alarm on the histories of well-kept public packages.

Their source distributions, tests and documentation included, committed version by version. None holds a credential that
anybody uses, so every finding is a false alarm, but for what is of severity "information": private keys that lie among
tests and documentation and are listed without failing the scan. Any other packages: `… secrets_alarms flask httpx`.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.measure import RESULTS, MeasurementFailed, progress
from benchmarks.peers import workshop
from benchmarks.secret_scanners import PEERS, findings, installed, scan, seawall_findings

PACKAGES = RESULTS / "packages"
# A tool for command lines, a client, a framework with its documentation: chosen before anything was measured on them.
WELL_KEPT = {
    "click": ("7.0", "7.1.2", "8.0.0", "8.0.4", "8.1.0", "8.1.3", "8.1.7", "8.1.8"),
    "requests": ("2.20.0", "2.22.0", "2.24.0", "2.26.0", "2.28.0", "2.29.0", "2.31.0", "2.32.0", "2.32.3"),
    "django": ("2.2", "3.0", "3.2", "4.0", "4.1", "4.2", "5.0", "5.1"),
}
LATEST = 5  # versions of a package that is named on the command line


def pip(*arguments: str) -> str:
    command = [sys.executable, "-m", "pip", *arguments, "--disable-pip-version-check"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def latest(package: str) -> list[str]:
    """The last release of each of the last minor versions, oldest first."""
    said = re.search(r"^Available versions: (.*)$", pip("index", "versions", package), re.MULTILINE)
    if not said:
        raise MeasurementFailed(f"no versions of {package}")
    newest: dict[str, str] = {}
    for version in said[1].split(", "):
        newest.setdefault(".".join(version.split(".")[:2]), version)
    return list(newest.values())[:LATEST][::-1]


def history(package: str, versions: Iterable[str]) -> Path:
    """A repository with a commit a version, kept for the next run."""
    versions = list(versions)
    repo = PACKAGES / f"{package}-{'-'.join((versions[0], versions[-1], str(len(versions))))}"
    if not (repo / ".git" / "complete").exists():
        shutil.rmtree(repo, ignore_errors=True)
        repo.mkdir(parents=True)
        git(repo, "init", "-q", "-b", "main")
        for version in versions:
            progress(f"{package} {version}")
            commit(repo, package, version)
        git(repo, "gc", "-q")
        (repo / ".git" / "complete").touch()
    return repo


def commit(repo: Path, package: str, version: str) -> None:
    """Make the work tree a version's source distribution, and commit it."""
    for path in repo.iterdir():
        if path.name != ".git":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    with workshop() as folder:
        # Only this package as source: what pip needs to read its metadata may come built.
        pip("download", "-q", "--no-deps", "--no-binary", package, "-d", str(folder), f"{package}=={version}")
        (archive,) = folder.iterdir()
        unpack(archive, folder / "unpacked")
        (top,) = (folder / "unpacked").iterdir()
        shutil.copytree(top, repo, symlinks=True, dirs_exist_ok=True)
    git(repo, "add", "-A", "-f")
    git(repo, "commit", "-q", "--allow-empty", "-m", f"{package} {version}")


def unpack(archive: Path, target: Path) -> None:
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as zipped:
            zipped.extractall(target)
    else:
        with tarfile.open(archive) as packed:
            packed.extractall(target, filter="data")


def git(repo: Path, *arguments: str) -> None:
    person = (
        "-c",
        "user.name=Ada",
        "-c",
        "user.email=ada@analytical.test",
        "-c",
        "core.autocrlf=false",
        "-c",
        "gc.auto=0",
    )
    subprocess.run(["git", "-C", str(repo), *person, *arguments], check=True, capture_output=True)


def told(finding: dict[str, Any]) -> str:
    place = finding["first"]
    proof = " | ".join(finding["proof"])
    return f"    {finding['severity']:12}{finding['id']:40} {place['path']}:{place['line']}  {proof[:120]}"


def alarms(found: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """What makes the scan fail."""
    return [each for each in found if each["severity"] != "information"]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.secrets_alarms", description=__doc__)
    parser.add_argument("packages", nargs="*", help=f"others than {', '.join(WELL_KEPT)}: their last {LATEST} versions")
    parser.add_argument("--quick", action="store_true", help="the first package, without peers")
    chosen = parser.parse_args()
    wanted = {each: tuple(latest(each)) for each in chosen.packages} or WELL_KEPT
    if chosen.quick:
        wanted = dict(list(wanted.items())[:1])
    peers = () if chosen.quick else tuple(PEERS)
    for name in peers:
        installed(name)
    counts = {package: measure(package, versions, peers) for package, versions in wanted.items()}
    progress("")
    table(counts)
    if not chosen.quick:
        with (RESULTS / "secrets_alarms.jsonl").open("a") as results:
            results.write(json.dumps({"versions": wanted, "alarms": counts}) + "\n")


def measure(package: str, versions: Iterable[str], peers: Iterable[str]) -> dict[str, int]:
    """Each side's alarms on a package; what Seawall finds is printed."""
    repo = history(package, versions)
    counts: dict[str, int] = {}
    with workshop() as folder:
        progress(f"{package}: Seawall")
        found = seawall_findings(scan("Seawall", repo, folder))
        counts["Seawall"] = len(alarms(found))
        counts["for information"] = len(found) - counts["Seawall"]
        progress("")
        print("\n".join([f"{package}:", *map(told, found)]))
        for name in peers:
            progress(f"{package}: {name}")
            counts[name] = findings(name, scan(name, repo, folder))
    return counts


def table(counts: dict[str, dict[str, int]]) -> None:
    sides = list(next(iter(counts.values())))
    print(f"\n{'findings':16}" + "".join(f"{side:>17}" for side in sides))
    for package, each in counts.items():
        print(f"{package:16}" + "".join(f"{each[side]:17}" for side in sides))


if __name__ == "__main__":
    main()
