"""Claim: Seawall scans a whole history in a fifth of gitleaks' and betterleaks' time, in two thirds of kingfisher's.

On synthetic histories of 200 MB, 500 MB and 1 GB of unique blobs (histories.py), bare, so that all scan the same:
everything that commits of any ref hold. No side asks vendors whether a credential still works. Beside the times: how
many of the planted credentials each side found. `--quick` takes one of 20 MB. All, three rounds: seven minutes.
Or on real content, releases of public packages (releases.py): `… secrets_speed --releases`.
Or on repositories of yours: `… secrets_speed ~/src/django`.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.histories import History, history
from benchmarks.measure import Plan, Row, Target, beside, in_turn, plan, report
from benchmarks.peers import workshop
from benchmarks.releases import releases
from benchmarks.secret_scanners import LEFT_OUT, PEERS, Run, findings, installed, scan, seawall_findings

SIZES = (200, 500, 1000)  # MB of unique blobs
TARGETS = {
    "gitleaks": Target("<=", 0.2),
    "betterleaks": Target("<=", 0.2),
    "kingfisher": Target("<=", 0.67),
}
MEMORY = Target("<=", 500, ratio=False)  # MB


def made(chosen: Plan) -> Iterator[tuple[str, History]]:
    """What is made to measure on, each with the name of its rows; nothing for whoever names repositories."""
    if "releases" in chosen.options:
        yield "releases", releases()
    elif not chosen.paths:
        for megabytes in (20,) if chosen.quick else SIZES:
            yield f"{megabytes} MB", history(megabytes)


def measure(repo: Path, rounds: int, names: tuple[str, ...]) -> dict[str, list[Run]]:
    """Every side's runs on one repository, after one on a small history for the rules they compile and keep.

    Memory is that of one run more.
    """
    small = history(20)
    with workshop() as folder:
        for name in names:
            scan(name, small.repo, folder)
        sides: dict[str, Callable[[], Run]] = {name: partial(scan, name, repo, folder) for name in names}
        runs = in_turn(sides, rounds)
        heavy = {name: scan(name, repo, folder, memory=True).memory for name in names}
        return {name: [replace(run, memory=heavy[name]) for run in runs[name]] for name in names}


def planted_found(name: str, run: Run, made: History) -> int:
    """How many of the planted credentials a run reports."""
    if name != "Seawall":
        text = run.output.decode("utf-8", "replace").replace("\\/", "/")
        return sum(each.secret in text for each in made.planted)
    seen = {(place["path"], place["commit"]) for each in seawall_findings(run) for place in (each["first"],)}
    return sum((each.path, each.commit) in seen for each in made.planted)


def rows_of(size: str, runs: dict[str, list[Run]]) -> list[Row]:
    rows = []
    for peer in PEERS:
        rows.append(beside(f"{size}: wall", "s", runs, peer, lambda run: run.wall, TARGETS[peer]))
        rows.append(beside(f"{size}: CPU", "s", runs, peer, lambda run: run.cpu))
        rows.append(beside(f"{size}: memory", "MB", runs, peer, lambda run: run.memory, MEMORY))
    return rows


def planted(names: tuple[str, ...], runs: dict[str, list[Run]], where: History) -> str:
    """How many of the planted credentials each side reports; nothing where none are."""
    if not where.planted:
        return ""
    found = ", ".join(f"{name} {planted_found(name, runs[name][0], where)}" for name in names)
    return f"Of {len(where.planted)} planted credentials found: {found}. "


def said(names: tuple[str, ...], runs: dict[str, list[Run]]) -> str:
    """How many findings each side reports."""
    return ", ".join(f"{name} {findings(name, runs[name][0])}" for name in names)


def main() -> None:
    options = {"releases": "on releases of public packages, instead of synthetic histories"}
    chosen = plan("secrets_speed", __doc__, rounds=3, seconds=0, paths="REPOSITORY", options=options)
    names = ("Seawall", *PEERS)
    for name in PEERS:
        installed(name)
    rows, notes = [], [LEFT_OUT]
    for path in map(Path, chosen.paths):
        runs = measure(path, chosen.rounds, names)
        rows += rows_of(path.name, runs)
        notes.append(f"{path.name}: findings in all: {said(names, runs)}.")
    for title, each in made(chosen):
        runs = measure(each.repo, chosen.rounds, names)
        rows += rows_of(title, runs)
        notes.append(f"{each}.\n{planted(names, runs, each)}Findings in all: {said(names, runs)}.")
    report(chosen, f"Scanning whole histories, median of {chosen.rounds} rounds", rows, notes)


if __name__ == "__main__":
    main()
