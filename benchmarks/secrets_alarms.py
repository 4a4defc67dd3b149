"""Claim: Seawall raises no false alarm on the histories of well-kept public packages.

Their source distributions, tests and documentation included, committed version by version. None holds a credential that
anybody uses, so every finding is a false alarm, but for what is of severity "information": private keys that lie among
tests and documentation and are listed without failing the scan. Any other packages: `… secrets_alarms flask httpx`.
"""

import argparse
import json
from collections.abc import Iterable
from typing import Any

from benchmarks.measure import RESULTS, progress
from benchmarks.packages import LATEST, history, latest
from benchmarks.peers import workshop
from benchmarks.secret_scanners import PEERS, findings, installed, scan, seawall_findings

# A tool for command lines, a client, a framework with its documentation: chosen before anything was measured on them.
WELL_KEPT = {
    "click": ("7.0", "7.1.2", "8.0.0", "8.0.4", "8.1.0", "8.1.3", "8.1.7", "8.1.8"),
    "requests": ("2.20.0", "2.22.0", "2.24.0", "2.26.0", "2.28.0", "2.29.0", "2.31.0", "2.32.0", "2.32.3"),
    "django": ("2.2", "3.0", "3.2", "4.0", "4.1", "4.2", "5.0", "5.1"),
}


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
