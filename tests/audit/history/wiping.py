"""Wipes a repository as the command does, with one rule, and looks for what it left."""

import hashlib
import subprocess
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from seawall.audit.history.git import Repository
from seawall.audit.history.scan import scan
from seawall.audit.history.wipe.run import Outcome, Survey, backup_path, opened, survey, wipe
from seawall.audit.history.wipe.targets import chosen, targets
from seawall.audit.secrets.rules import load
from seawall.audit.secrets.scanner import Scanner
from tests.audit.history.repository import environment, git

RULE = next(rule for rule in load()[0] if rule.id == "github-token")


def nothing(step: str) -> None:
    pass


def surveyed(repo: Path) -> Survey | None:
    """None where nothing was found at all."""
    with opened(repo) as repository:
        return _surveyed(repo, repository)


def _surveyed(repo: Path, repository: Repository) -> Survey | None:
    scanner = Scanner([RULE])
    found = chosen(scan(repo, scanner, 1), (), ())
    return survey(repository, targets(found), scanner, nothing, frozenset()) if found else None


def wiped(repo: Path, step: Callable[[str], None] = nothing, files: bool = True) -> Outcome:
    with opened(repo) as repository:
        found = _surveyed(repo, repository)
        assert found is not None
        assert not found.nothing
        backup = backup_path(found.repository, None, datetime.now())
        return wipe(found, backup, files, step, lambda credential: str(credential.places))


def left(repo: Path) -> list[str]:
    """Where the rule still finds anything, other than in files that git does not know."""
    return [
        f"{place.kind} {place.path}"
        for each in scan(repo, Scanner([RULE]), 1).credentials
        for place in each.places
        if place.commit or place.kind != "file"
    ]


def raw(repo: Path) -> bytes:
    """All objects as they are, and git's own files."""
    objects = subprocess.run(
        ["git", "-C", str(repo), "cat-file", "--batch", "--batch-all-objects"],
        capture_output=True,
        check=True,
        env=environment(),
    ).stdout
    folder = Path(git(repo, "rev-parse", "--absolute-git-dir"))
    files = [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file() and "objects" not in path.parts]
    return objects + b"\n".join(files)


def state(repo: Path) -> str:
    """Changes with any object, ref, setting or file, but not with times of files."""
    folder = Path(git(repo, "rev-parse", "--absolute-git-dir"))
    digest = hashlib.sha256()
    for top in {repo, folder}:
        for path in sorted(top.rglob("*")):
            digest.update(str(path).encode("utf-8", "surrogateescape"))
            if path.is_file() and path.name != "index":  # git writes times of files into it
                digest.update(path.read_bytes())
    return digest.hexdigest()
