"""Histories of public packages: their source distributions, tests and documentation included, a commit a version."""

import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

from benchmarks.measure import RESULTS, MeasurementFailed, progress
from benchmarks.peers import workshop

PACKAGES = RESULTS / "packages"
LATEST = 5  # versions of a package of which none are named


def pip(*arguments: str) -> str:
    """What pip prints. Raises MeasurementFailed with what it says is wrong."""
    command = [sys.executable, "-m", "pip", *arguments, "--disable-pip-version-check"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise MeasurementFailed(f"pip {' '.join(arguments)}: {done.stderr[-1000:]}")
    return done.stdout


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
        write(repo, package, versions)
        git(repo, "gc", "-q")
        (repo / ".git" / "complete").touch()
    return repo


def write(repo: Path, package: str, versions: Iterable[str]) -> None:
    """A new repository whose branch main has a commit a version, of the message "package version"."""
    repo.mkdir(parents=True)
    git(repo, "init", "-q", "-b", "main")
    for version in versions:
        progress(f"{package} {version}")
        commit(repo, package, version)


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


def git(repo: Path, *arguments: str) -> str:
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
    command = ["git", "-C", str(repo), *person, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
