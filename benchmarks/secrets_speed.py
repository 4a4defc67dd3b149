"""Claim: Seawall scans a whole history in a fifth of gitleaks' and betterleaks' time, in two thirds of kingfisher's.

On synthetic histories of 200 MB, 500 MB and 1 GB of unique blobs (histories.py), bare, so that all scan the same:
everything that commits of any ref hold. No side asks vendors whether a credential still works. Beside the times: how
many of the planted credentials each side found. `--quick` takes one of 20 MB. All, three rounds: about 40 minutes.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.histories import History, history
from benchmarks.measure import Row, Target, beside, in_turn, plan, report
from benchmarks.peers import workshop
from benchmarks.secret_scanners import LEFT_OUT, PEERS, Run, findings, installed, scan, seawall_findings

SIZES = (200, 500, 1000)  # MB of unique blobs
TARGETS = {
    "gitleaks": Target("<=", 0.2),
    "betterleaks": Target("<=", 0.2),
    "kingfisher": Target("<=", 0.67),
}
MEMORY = Target("<=", 500, ratio=False)  # MB


def measure(megabytes: int, rounds: int, folder: Path, names: tuple[str, ...]) -> dict[str, list[Run]]:
    """Every side's runs on one history, after one on a small history for the rules they compile and keep."""
    small, large = history(20), history(megabytes)
    for name in names:
        scan(name, small.repo, folder)
    sides: dict[str, Callable[[], Run]] = {name: partial(scan, name, large.repo, folder) for name in names}
    return in_turn(sides, rounds)


def planted_found(name: str, run: Run, made: History) -> int:
    """How many of the planted credentials a run reports."""
    if name != "Seawall":
        text = run.output.decode("utf-8", "replace").replace("\\/", "/")
        return sum(each.secret in text for each in made.planted)
    seen = {(place["path"], place["commit"]) for each in seawall_findings(run) for place in (each["first"],)}
    return sum((each.path, each.commit) in seen for each in made.planted)


def rows_of(megabytes: int, runs: dict[str, list[Run]]) -> list[Row]:
    rows = []
    for peer in PEERS:
        rows.append(beside(f"{megabytes} MB: wall", "s", runs, peer, lambda run: run.wall, TARGETS[peer]))
        rows.append(beside(f"{megabytes} MB: CPU", "s", runs, peer, lambda run: run.cpu))
        rows.append(beside(f"{megabytes} MB: memory", "MB", runs, peer, lambda run: run.memory, MEMORY))
    return rows


def main() -> None:
    chosen = plan("secrets_speed", __doc__, rounds=3, seconds=0)
    names = ("Seawall", *PEERS)
    for name in PEERS:
        installed(name)
    rows, notes = [], [LEFT_OUT]
    for megabytes in (20,) if chosen.quick else SIZES:
        made = history(megabytes)
        with workshop() as folder:
            runs = measure(megabytes, chosen.rounds, folder, names)
        rows += rows_of(megabytes, runs)
        found = ", ".join(f"{name} {planted_found(name, runs[name][0], made)}" for name in names)
        everything = ", ".join(f"{name} {findings(name, runs[name][0])}" for name in names)
        notes.append(
            f"{made}.\nOf {len(made.planted)} planted credentials found: {found}. Findings in all: {everything}."
        )
    report(chosen, f"Scanning whole histories, median of {chosen.rounds} rounds", rows, notes)


if __name__ == "__main__":
    main()
