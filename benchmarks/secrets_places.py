"""Claim: Seawall finds a secret in every kind of place of tests/audit/history/hiding.py; how many each peer finds.

Peers are called as for a whole history, and again at their best: with what looks further, and on single files too.
"""

import subprocess
from pathlib import Path

from tests.audit.history.hiding import BONUS, KINDS, one
from tests.audit.history.repository import environment
from tests.audit.history.scan import scan

from benchmarks.measure import Row, Target, plan, progress, report
from benchmarks.peers import workshop
from benchmarks.secret_scanners import PEERS, installed

DEEP = ("--log-opts=--all --reflog", "--max-archive-depth=8")


def commands(name: str, repo: Path, output: Path) -> dict[str, list[list[str]]]:
    """What to call, by how far it looks; both append what they find to the report or print it."""
    program, path = str(installed(name)), str(repo)
    usual = PEERS[name].history(program, path, output)
    if name == "gitleaks":
        files = [program, "dir", "--no-banner", DEEP[1], "--report-format=json", f"--report-path={output}"]
        best = [[*usual, *DEEP], [*files, path], [*files, f"{path}/.git"]]
    elif name == "betterleaks":
        files = [program, "fs", "--no-banner", f"--output={output}"]
        best = [[*usual, DEEP[0]], usual, [*files, path], [*files, f"{path}/.git"]]
    else:
        files = [*usual[:-1], "--confidence=low", "--no-limits"]
        best = [[*files, path], [*files, f"{path}/.git"]]
    return {name: [usual], f"{name}, at its best": best}


def finds(calls: list[list[str]], output: Path, secret: str) -> bool:
    for call in calls:
        output.unlink(missing_ok=True)
        done = subprocess.run(call, capture_output=True, check=False, cwd=output.parent, env=environment())
        if secret.encode() in done.stdout + (output.read_bytes() if output.exists() else b""):
            return True
    return False


def look(name: str, folder: Path) -> dict[str, bool]:
    """Who finds the secret in one kind of place."""
    repo, secret = one(name, folder / "repo")
    found = {"Seawall": len(scan(repo).tokens) == 1}
    for peer in PEERS:
        for title, calls in commands(peer, repo, folder / "report.json").items():
            found[title] = finds(calls, folder / "report.json", secret)
    return found


def main() -> None:
    chosen = plan("secrets_places", __doc__, rounds=1, seconds=0)
    names = [*KINDS, *BONUS][:: 10 if chosen.quick else 1]
    table: dict[str, dict[str, bool]] = {}
    for name in names:
        progress(name)
        with workshop() as folder:
            table[name] = look(name, folder)
    progress("")
    print(table_of(table))
    required = [found for name, found in table.items() if name in KINDS]
    beyond = [found for name, found in table.items() if name in BONUS]
    rows = []
    for peer in [each for each in table[names[0]] if each != "Seawall"]:
        for what, kinds, target in (("kinds of place found", required, len(required)), ("beyond those", beyond, 0)):
            ours, theirs = (float(sum(found[side] for found in kinds)) for side in ("Seawall", peer))
            rows.append(Row(f"{what}, of {len(kinds)}", "", [ours], [theirs], peer, Target(">=", target, ratio=False)))
    report(chosen, "Kinds of place where a secret is found", rows)


def table_of(table: dict[str, dict[str, bool]]) -> str:
    """One line a kind, one column a scanner."""
    columns = list(next(iter(table.values())))
    lines = [f"{number}: {title}" for number, title in enumerate(columns, 1)]
    for name, found in table.items():
        marks = "".join(f"{'x' if found[title] else '.':>3}" for title in columns)
        lines.append(f"{name + (' (not required)' if name in BONUS else ''):60}{marks}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
