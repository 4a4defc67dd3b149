"""Claim: Seawall's precision is at least 0.93, at a recall above every peer's but credsweeper's, on labelled data.

The data are made up, as repositories have them: see `tests/audit/secrets/labelled.py`. A finding on a line that is
labelled neither way counts for a credential at most four lines away, since scanners disagree about where a key or a
manifest begins.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from tests.audit.secrets.labelled import Label, write

from benchmarks.measure import RESULTS, progress
from benchmarks.secret_scanners import SCANNERS, Found, found_in, installed
from seawall.audit.secrets.rules import load
from seawall.audit.secrets.scanner import Scanner

NEAR = 4  # lines


@dataclass(frozen=True)
class Score:
    """What a scanner said about the labelled lines."""

    name: str
    found: int  # credentials found
    missed: int
    false: int  # alarms for what is none
    seconds: float

    @property
    def precision(self) -> float:
        return self.found / max(1, self.found + self.false)

    @property
    def recall(self) -> float:
        return self.found / (self.found + self.missed)

    @property
    def f1(self) -> float:
        return 2 * self.found / (2 * self.found + self.false + self.missed)


def seawall(folder: Path) -> Found:
    """Seawall's own findings: the engine on each file."""
    scanner, found = Scanner(load()[0]), set()
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            name = str(path.relative_to(folder))
            found |= {(name, data.count(b"\n", 0, hit.start) + 1) for hit in scanner.scan(data)}
    return found


def score(name: str, found: Found, labels: Iterable[Label], seconds: float) -> Score:
    """Compares what was found with the labels."""
    secret = {(label.file, label.line) for label in labels if label.secret}
    none = {(label.file, label.line) for label in labels if not label.secret}
    placed = {at if at in secret or at in none else _nearest(at, secret) for at in found}
    return Score(name, len(placed & secret), len(secret - placed), len(placed - secret), seconds)


def _nearest(at: tuple[str, int], secret: Found) -> tuple[str, int]:
    file, line = at
    near = [(file, line + off) for distance in range(NEAR + 1) for off in (-distance, distance)]
    return next((each for each in near if each in secret), at)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.secrets_precision", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few files, Seawall alone")
    parser.add_argument("--seed", type=int, default=1, help="of the labelled data [1]")
    parser.add_argument("--without", nargs="*", default=[], help="peers to leave out")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as workshop:
        folder = Path(workshop) / "data"
        labels = write(folder, seed=chosen.seed, files=4 if chosen.quick else 30)
        sides: dict[str, Callable[[], Found]] = {"Seawall": partial(seawall, folder)}
        for peer in SCANNERS:
            if not chosen.quick and peer not in chosen.without:
                installed(peer)
                sides[peer] = partial(found_in, peer, folder, Path(workshop))
        scores = [_measure(name, scan, labels) for name, scan in sides.items()]
    _show(scores, labels)
    if not chosen.quick:
        RESULTS.mkdir(exist_ok=True)
        with (RESULTS / "secrets_precision.jsonl").open("a") as results:
            results.write(json.dumps({"seed": chosen.seed, "scores": [asdict(each) for each in scores]}) + "\n")


def _measure(name: str, scan: Callable[[], Found], labels: list[Label]) -> Score:
    progress(name)
    began = time.monotonic()
    found = scan()
    progress("")
    return score(name, found, labels, time.monotonic() - began)


def _show(scores: list[Score], labels: list[Label]) -> None:
    secrets = sum(bool(label.secret) for label in labels)
    print(f"{secrets} credentials, {len(labels) - secrets} lines that resemble one\n")
    print(f"{'':16}precision  recall    F1   found  missed  false       s")
    for each in scores:
        print(
            f"{each.name:16}{each.precision:9.3f}{each.recall:8.3f}{each.f1:6.3f}"
            f"{each.found:8}{each.missed:8}{each.false:7}{each.seconds:8.1f}"
        )


if __name__ == "__main__":
    main()
