"""What every benchmark does alike: sides in turn over rounds, processor time, ratios, the table and its record."""

import argparse
import json
import os
import platform
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

RESULTS = Path(__file__).with_name("results")
QUIET = 0.06  # share of the machine that others may take
PATIENCE = 60.0  # s
DISTURBANCES: list[float] = []  # the share they took during each measurement that counts
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")

T = TypeVar("T")


class MeasurementFailed(Exception):
    """What was to be measured did not happen: errors instead of answers, a peer that does not start."""


@dataclass(frozen=True)
class Plan:
    """How much to measure."""

    name: str
    rounds: int
    seconds: float  # of each side in each round
    quick: bool
    paths: tuple[str, ...] = ()  # what to measure on instead of what is made for it
    options: tuple[str, ...] = ()  # which of its own were given


def plan(
    name: str,
    description: str,
    *,
    rounds: int,
    seconds: float,
    paths: str = "",
    options: Mapping[str, str] = MappingProxyType({}),
) -> Plan:
    """The plan from the command line: `--quick` is a smoke run whose figures mean nothing.

    With `paths`, a word for them, it may name what to measure on. `options` are more of the kind of `--quick`, each
    with its help.
    """
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=description)
    parser.add_argument("--quick", action="store_true", help="a smoke run of seconds; its figures mean nothing")
    parser.add_argument("--rounds", type=int, default=rounds, help=f"rounds of every side in turn [{rounds}]")
    parser.add_argument("--seconds", type=float, default=seconds, help=f"of each side in each round [{seconds:g}]")
    if paths:
        parser.add_argument("paths", nargs="*", metavar=paths, help="yours, instead of those that are made")
    for option, meaning in options.items():
        parser.add_argument(f"--{option}", action="store_true", help=meaning)
    chosen = parser.parse_args()
    where = tuple(chosen.paths) if paths else ()
    given = tuple(each for each in options if getattr(chosen, each))
    rounds, seconds = (1, 1.0) if chosen.quick else (chosen.rounds, chosen.seconds)
    return Plan(name, rounds, seconds, quick=chosen.quick, paths=where, options=given)


def in_turn(sides: Mapping[str, Callable[[], T]], rounds: int, patience: float = PATIENCE) -> dict[str, list[T]]:
    """Measures every side once a round, every other round in reverse order: what drifts, drifts for all alike.

    What other programs disturbed is measured again once they are quiet, for at most `patience` s in all.
    """
    results: dict[str, list[T]] = {name: [] for name in sides}
    left = patience if rounds > 1 else 0.0
    for number in range(rounds):
        for name in list(sides)[:: -1 if number % 2 else 1]:
            what = f"round {number + 1} of {rounds}: {name}"
            progress(what)
            result, disturbed = _alone(sides[name])
            began = time.monotonic()
            while disturbed > QUIET and time.monotonic() - began < left:
                progress(f"{what}, again: others took {disturbed:.0%} of the machine")
                if _alone(lambda: time.sleep(1))[1] < QUIET:
                    result, disturbed = min((result, disturbed), _alone(sides[name]), key=lambda each: each[1])
            left -= time.monotonic() - began
            results[name].append(result)
            DISTURBANCES.append(disturbed)
    progress("")
    return results


def _alone(measure: Callable[[], T]) -> tuple[T, float]:
    """What is measured, and the share of the machine that neither we nor our children used or left unused meanwhile."""
    began, busy, own = time.monotonic(), _busy(), _own()
    result = measure()
    elapsed = (time.monotonic() - began) * (os.cpu_count() or 1)
    return result, max(0.0, (_busy() - busy) - (_own() - own)) / elapsed


def _busy() -> float:
    """s that all processors together have worked, or were kept from it by the machine's host, proc(5)."""
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / CLOCK_TICKS


def _own() -> float:
    times = os.times()
    return cpu_seconds(tree(os.getpid())) + times.children_user + times.children_system


def progress(text: str) -> None:
    """One line on a terminal, which the next replaces."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


# Processor time


def cpu_seconds(pids: Iterable[int]) -> float:
    """Processor time the processes have used so far, all their threads, proc(5). Those that are gone count nothing."""
    ticks = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / CLOCK_TICKS


def tree(pid: int) -> list[int]:
    """The process and everything below it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [each for child in task.read_text().split() for each in tree(int(child))]
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def private_memory(pid: int) -> float:
    """MB of memory that are the process's own share (PSS, proc(5))."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    match = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    assert match is not None
    return int(match[1]) / 1024


# Figures


def percentile(values: list[float], share: float) -> float:
    """The smallest value that `share` (0..1) of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


@dataclass(frozen=True)
class Target:
    """`Target(">=", 0.95)` is about the ratio, `Target("<=", 100, ratio=False)` about our own figure."""

    sense: str
    limit: float
    ratio: bool = True

    def holds(self, row: "Row") -> bool:
        figure = row.ratio if self.ratio else row.ours_median
        return figure >= self.limit if self.sense == ">=" else figure <= self.limit

    def __str__(self) -> str:
        return f"{self.sense} {self.limit:g}{' x' if self.ratio else ''}"


@dataclass(frozen=True)
class Row:
    """One line of the table: what both sides did, round by round."""

    what: str
    unit: str
    ours: list[float]
    peer: list[float]
    peer_name: str = ""
    target: Target | None = None

    @property
    def ours_median(self) -> float:
        return statistics.median(self.ours)

    @property
    def ratio(self) -> float:
        """Median of ours / peer within the same round, so that a round on a busier machine weighs on both sides."""
        if not self.peer:
            return float("nan")
        if len(self.ours) != len(self.peer):
            return self.ours_median / statistics.median(self.peer)
        return statistics.median(a / b for a, b in zip(self.ours, self.peer, strict=True))


def beside(
    what: str,
    unit: str,
    measured: Mapping[str, list[T]],
    peer: str,
    figure: Callable[[T], float],
    target: Target | None = None,
    ours: str = "Seawall",
) -> Row:
    """One figure of what `in_turn` measured of two of its sides."""
    return Row(
        what, unit, [figure(each) for each in measured[ours]], [figure(each) for each in measured[peer]], peer, target
    )


def report(plan: Plan, title: str, rows: list[Row], notes: list[str] | None = None) -> None:
    """Print the table and append it to `results/`."""
    width = max(len(_name(row)) for row in rows)
    print(f"{title}{' (a smoke run: these figures mean nothing)' if plan.quick else ''}\n")
    print(f"{'':{width}}  {'Seawall':>9}  {'peer':>9}  {'':20}  ratio  target")
    for row in rows:
        peer = (
            f"{_short(statistics.median(row.peer)):>9}  {row.peer_name:20}  {row.ratio:5.2f}" if row.peer else " " * 38
        )
        verdict = f"{row.target} {'holds' if row.target.holds(row) else 'MISSED'}" if row.target else ""
        print(f"{_name(row):{width}}  {_short(row.ours_median):>9}  {peer}  {verdict}".rstrip())
    notes = notes or []
    if DISTURBANCES:
        share, worst = statistics.median(DISTURBANCES), max(DISTURBANCES)
        notes.append(f"Other programs took {share:.0%} of this machine meanwhile, {worst:.0%} at worst.")
    for note in notes:
        print(f"\n{note}")
    _record(plan, title, rows, notes)


def _name(row: Row) -> str:
    return f"{row.what}, {row.unit}"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _record(plan: Plan, title: str, rows: list[Row], notes: list[str]) -> None:
    RESULTS.mkdir(exist_ok=True)
    entry = {
        "time": time.strftime("%Y-%m-%d %H:%M:%S"),
        "title": title,
        "plan": asdict(plan),
        "machine": {"cores": os.cpu_count(), "load": os.getloadavg(), "python": platform.python_version()},
        "rows": [
            {**asdict(row), "ours_median": row.ours_median, "ratio": row.ratio if row.peer else None} for row in rows
        ],
        "notes": notes,
    }
    with (RESULTS / f"{plan.name}.jsonl").open("a") as file:
        file.write(json.dumps(entry) + "\n")
