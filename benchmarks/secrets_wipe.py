"""Claim: `seawall secrets wipe` takes 20 credentials out of 5,000 commits within 15 s, and none remains, decoded.

Whole process, with its scans before and after. Beside it `git filter-repo --replace-text`, told the credentials, which
does not look for them, makes no backup, and does not look whether any remains; ours does, and so the claim is no ratio.
"""

import base64
import gzip
import itertools
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

from tests.audit.history.repository import add, commit, environment, git, github_token, put

from benchmarks.histories import corpus
from benchmarks.measure import MeasurementFailed, Row, Target, in_turn, plan, report
from benchmarks.peers import workshop
from seawall.audit.history.scan import scan
from seawall.audit.history.wipe.run import backup_path, opened, survey, wipe
from seawall.audit.history.wipe.targets import chosen as credentials
from seawall.audit.history.wipe.targets import targets
from seawall.audit.secrets.ready import ready

COMMITS, SECRETS, FILES = 5_000, 20, 400
PEER = "git filter-repo"
SOURCE = Path(__file__).parents[1] / "src"


def made(folder: Path, commits: int) -> tuple[Path, list[str]]:
    """A bare repository of real source files that change, a credential every so many commits; half of them encoded."""
    chance = random.Random(20231114)
    secrets = [github_token(chance) for _ in range(SECRETS)]
    repo = folder / "made.git"
    repo.mkdir()
    git(repo, "init", "-q", "--bare", "-b", "main")
    add(repo, *_commits(chance, commits, secrets))
    git(repo, "repack", "-adfq", "--window=10")
    return repo, secrets


def _commits(chance: random.Random, commits: int, secrets: list[str]) -> Iterator[bytes]:
    files = {path: data for path, data in corpus()[:: max(1, len(corpus()) // FILES)] if len(data) < 60_000}
    paths, every = list(files), commits // len(secrets)
    for number in range(commits):
        path = chance.choice(paths)
        lines = files[path].split(b"\n")
        lines[chance.randrange(len(lines))] = b"# changed in %d" % number
        files[path] = b"\n".join(lines)
        changes = [put(path, files[path])]
        if number % every == every // 2:
            secret = secrets[number // every % len(secrets)]
            changes.append(put(f"conf/{number}.py", _hidden(secret, number // every)))
        yield commit("refs/heads/main", *changes, parents=(), message=b"Change %d" % number)


def _hidden(secret: str, number: int) -> bytes:
    text = f"token = '{secret}'\n".encode()
    return (text, base64.b64encode(text), text, gzip.compress(text, mtime=0))[number % 4]


def ours(origin: Path, folder: Path) -> float:
    """s of the whole process; raises where anything is left."""
    repo = _copy(origin, folder)
    command = [sys.executable, "-m", "seawall", "secrets", "wipe", "--yes", str(repo)]
    seconds = _timed(command, folder)
    if left := [each for each in scan(repo, ready()).credentials if each.rule.id == "github-token"]:
        raise MeasurementFailed(f"{len(left)} credentials remain")
    return seconds


def theirs(origin: Path, folder: Path, secrets: list[str]) -> float:
    """s; what it does not look into remains."""
    repo = _copy(origin, folder)
    (folder / "secrets").write_text("".join(f"{secret}==>{'x' * len(secret)}\n" for secret in secrets))
    command = [sys.executable, "-m", "git_filter_repo", "--force", "--replace-text", str(folder / "secrets")]
    return _timed(command, repo)


def _copy(origin: Path, folder: Path) -> Path:
    for each in folder.glob("copy*"):
        shutil.rmtree(each) if each.is_dir() else each.unlink()
    shutil.copytree(origin, folder / "copy.git")
    return folder / "copy.git"


def _timed(command: list[str], folder: Path) -> float:
    began = time.monotonic()
    done = subprocess.run(
        command, cwd=folder, env=environment(PYTHONPATH=str(SOURCE)), capture_output=True, check=False
    )
    if done.returncode:
        raise MeasurementFailed(done.stderr.decode())
    return time.monotonic() - began


def parts(origin: Path, folder: Path) -> list[str]:
    """What takes how long, in one process."""
    repo = _copy(origin, folder)
    began = time.monotonic()
    lines: list[tuple[str, float]] = [("checking the repository", began)]

    def step(text: str) -> None:
        lines.append((text, time.monotonic()))

    with opened(repo) as repository:
        step("looking for credentials")
        scanner = ready()
        found = survey(repository, targets(credentials(scan(repo, scanner), (), ())), scanner, step, frozenset())
        wipe(found, backup_path(repository, None, datetime.now()), True, step, repr)
    step("")
    return [f"{text}: {after - at:.1f} s" for (text, at), (_, after) in itertools.pairwise(lines)]


def main() -> None:
    chosen = plan("secrets_wipe", __doc__, rounds=5, seconds=0)
    commits = 500 if chosen.quick else COMMITS
    with workshop() as folder:
        os.chmod(folder, 0o700)
        origin, secrets = made(folder, commits)
        sides: dict[str, Callable[[], float]] = {
            "Seawall": partial(ours, origin, folder),
            PEER: partial(theirs, origin, folder, secrets),
        }
        measured = in_turn(sides, chosen.rounds)
        theirs(origin, folder, secrets)
        left = len({each.secret for each in scan(folder / "copy.git", ready()).credentials} & set(secrets))
        notes = ["; ".join(parts(origin, folder)), f"Ours left 0 of {SECRETS} credentials, {PEER} {left}."]
    row = Row("wipe", "s", measured["Seawall"], measured[PEER], PEER, Target("<=", 15, ratio=False))
    report(chosen, f"{SECRETS} credentials in {commits:,} commits, {chosen.rounds} times", [row], notes)


if __name__ == "__main__":
    main()
