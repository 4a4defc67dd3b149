"""Claim: `seawall secrets guard --staged` answers within 150 ms on a commit of 20 files, its own start included."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.audit.history.repository import git, new

from benchmarks.histories import corpus
from benchmarks.measure import MeasurementFailed, Target, beside, in_turn, plan, report
from benchmarks.peers import workshop
from benchmarks.secret_scanners import PEERS, SEAWALL, Run, installed, measured

FILES = 20
TYPICAL = (4_000, 30_000)  # bytes of a file
GIT = "git diff --cached"


def staged(folder: Path) -> Path:
    """A repository with 20 source files in history, each changed a little and staged, and nothing secret in them."""
    repo = new(folder / "repo")
    usual = [(path, data) for path, data in corpus() if TYPICAL[0] < len(data) < TYPICAL[1] and path.endswith(".py")]
    files = {f"{number}/{Path(path).name}": data for number, (path, data) in enumerate(usual[:: len(usual) // FILES])}
    for stage in ("before", "after"):
        for path, data in list(files.items())[:FILES]:
            lines = data.splitlines(keepends=True)
            (repo / path).parent.mkdir(exist_ok=True)
            (repo / path).write_bytes(b"".join(lines if stage == "after" else lines[: len(lines) * 9 // 10]))
        git(repo, "add", ".")
        if stage == "before":
            git(repo, "commit", "-q", "-m", "Before")
    return repo


def main() -> None:
    chosen = plan("secrets_guard", __doc__, rounds=20, seconds=0)
    commands = {"Seawall": [str(SEAWALL), "secrets", "guard", "--staged"], GIT: ["git", "diff", "--cached"]}
    for name, peer in PEERS.items():
        if peer.staged:
            commands[name] = peer.staged(str(installed(name)))
    with workshop() as folder:
        repo = staged(folder)
        if len(git(repo, "diff", "--cached", "--name-only").splitlines()) != FILES:
            raise MeasurementFailed(f"not {FILES} files are staged")
        for command in commands.values():
            measured(command, folder, cwd=repo, memory=False)
        sides: dict[str, Callable[[], Run]] = {
            name: partial(measured, command, folder, cwd=repo, memory=False) for name, command in commands.items()
        }
        measurements = in_turn(sides, chosen.rounds)
        lines = len(git(repo, "diff", "--cached").splitlines())
    target = Target("<=", 150, ratio=False)
    rows = []
    for name in list(commands)[1:]:
        rows.append(beside("guard", "ms", measurements, name, lambda each: each.wall * 1000, target))
        rows.append(beside("guard: CPU", "ms", measurements, name, lambda each: each.cpu * 1000))
    report(chosen, f"A commit of {FILES} files, {lines:,} lines of diff, median of {chosen.rounds} runs", rows)


if __name__ == "__main__":
    main()
