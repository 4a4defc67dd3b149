"""Claim: Seawall finds a secret in every kind of place of tests/audit/history/hiding.py; how many each peer finds.

Peers are called as for a whole history, and again at their best: with what looks further, and on single files too.
"""

import subprocess
from pathlib import Path

from tests.audit.history.hiding import BONUS, KINDS, everything, one
from tests.audit.history.repository import environment
from tests.audit.history.scan import scan

from benchmarks.measure import Row, Target, plan, progress, report
from benchmarks.peers import workshop
from benchmarks.secret_scanners import PEERS, installed, of_history

DEEP = ("--log-opts=--all --reflog", "--max-archive-depth=8")


def commands(name: str, repo: Path, output: Path) -> dict[str, list[list[str]]]:
    """What to call, by how far it looks; what all of its calls find counts."""
    program, path = str(installed(name)), str(repo)
    usual = of_history(name, repo, output)
    if name == "gitleaks":
        files = [program, "dir", "--no-banner", DEEP[1], "--report-format=json", f"--report-path={output}"]
        best = [[*usual, *DEEP], [*files, path], [*files, f"{path}/.git"]]
    elif name == "betterleaks":
        files = [program, "fs", "--no-banner", f"--output={output}"]
        best = [[*usual, DEEP[0]], usual, [*files, path], [*files, f"{path}/.git"]]
    else:
        files = [*usual[:-1], "--confidence=low", "--no-limits"]
        best = [[*files, path], [*files, f"{path}/.git"]]
    return {name: [usual], f"{name}, best": best}


def peers_find(folder: Path) -> dict[str, dict[str, bool]]:
    """Which kinds each peer finds, in one repository with a secret in each."""
    repo, secrets = everything(folder / "repo", bonus=True)
    output, found = folder / "report.json", {}
    for peer in PEERS:
        for title, calls in commands(peer, repo, output).items():
            progress(title)
            said = b"".join(called(call, output) for call in calls)
            found[title] = {name: secret.encode() in said for name, secret in secrets.items()}
    return found


def called(command: list[str], output: Path) -> bytes:
    output.unlink(missing_ok=True)
    done = subprocess.run(command, capture_output=True, check=False, cwd=output.parent, env=environment())
    return done.stdout + (output.read_bytes() if output.exists() else b"")


def seawall_finds(name: str) -> bool:
    """Whether Seawall finds one kind, by itself: it masks what it finds, so they could not be told apart together."""
    progress(name)
    with workshop() as folder:
        return len(scan(one(name, folder / "repo")[0]).tokens) == 1


def main() -> None:
    chosen = plan("secrets_places", __doc__, rounds=1, seconds=0)
    with workshop() as folder:
        found = peers_find(folder)
    names = [*KINDS, *BONUS][:: 10 if chosen.quick else 1]
    found = {"Seawall": {name: seawall_finds(name) for name in names}, **found}
    progress("")
    print(table_of(found, names))
    required = [name for name in names if name in KINDS]
    counts = {title: float(sum(each[name] for name in required)) for title, each in found.items()}
    target = Target(">=", len(required), ratio=False)
    what = f"kinds of place, of {len(required)}"
    rows = [Row(what, "found", [counts["Seawall"]], [counts[peer]], peer, target) for peer in list(found)[1:]]
    beyond = [name for name in names if name in BONUS]
    extra = ", ".join(f"{title} {sum(each[name] for name in beyond)}" for title, each in found.items())
    report(chosen, "Kinds of place where a secret is found", rows, [f"Beyond those, of {len(beyond)}: {extra}."])


def table_of(found: dict[str, dict[str, bool]], names: list[str]) -> str:
    """One line a kind, one column a scanner."""
    lines = [f"{number}: {title}" for number, title in enumerate(found, 1)]
    for name in names:
        marks = "".join(f"{'x' if each[name] else '.':>3}" for each in found.values())
        lines.append(f"{name + (' (not required)' if name in BONUS else ''):64}{marks}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
