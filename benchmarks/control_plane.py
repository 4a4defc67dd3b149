"""Claim: the control plane at rest takes 2 % of a core and 80 MB, and looks after 50 servers within 50 ms a tick."""

import subprocess
import sys
import time
from pathlib import Path

from tests.scenarios.site import SEAWALL, Site

from benchmarks import peers
from benchmarks.measure import Plan, Row, Target, cpu_seconds, in_turn, plan, private_memory, progress, report

SMALL = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""


def settings(servers: int) -> str:
    return f'wsgi = "small:application"\n[servers]\nmin = {servers}\n[https]\nredirect = false\n'


def make(folder: Path) -> Path:
    folder.mkdir()
    (folder / "small.py").write_text(SMALL)
    return folder


def at_rest(up: Site, seconds: float) -> list[Row]:
    """What the control plane, and beside it the two balancers, take while nobody comes."""
    assert up.control is not None
    groups = {"control plane": [up.control.pid], "both balancers": peers.balancers(up)}
    time.sleep(min(5, seconds))  # after the start there is still something to save
    before = {name: cpu_seconds(pids) for name, pids in groups.items()}
    progress(f"{seconds:g} s at rest")
    time.sleep(seconds)
    used = {name: 100 * (cpu_seconds(pids) - before[name]) / seconds for name, pids in groups.items()}
    small, light = Target("<=", 2, ratio=False), Target("<=", 80, ratio=False)
    return [
        Row("CPU at rest, 8 servers", "% of a core", [used["control plane"]], [], target=small),
        Row("memory, 8 servers", "MB (PSS)", [private_memory(up.control.pid)], [], target=light),
        Row("CPU of both balancers at rest", "% of a core", [used["both balancers"]], []),
    ]


def many(up: Site, seconds: float) -> list[Row]:
    """The loop's ticks with 50 servers, their start included."""
    time.sleep(seconds)
    ticks = up.status()["control"]["tick_ms"]
    return [
        Row("tick with 50 servers, p50", "ms", [ticks["p50"]], []),
        Row("tick with 50 servers, p99", "ms", [ticks["p99"]], []),
        Row("tick with 50 servers, longest", "ms", [ticks["max"]], [], target=Target("<=", 50, ratio=False)),
    ]


def command(words: list[str]) -> float:
    began = time.monotonic()
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    return (time.monotonic() - began) * 1000


def asked(up: Site, chosen: Plan) -> Row:
    """`seawall status` as a person types it, beside a Python that does nothing."""
    status = [*SEAWALL, "-C", str(up.folder), "status"]
    sides = {"Seawall": lambda: command(status), "python -c pass": lambda: command([sys.executable, "-c", "pass"])}
    measured = in_turn(sides, 2 if chosen.quick else 15)
    ours, nothing = measured.values()
    return Row("seawall status", "ms", ours, nothing, "python -c pass", Target("<=", 8))


def main() -> None:
    chosen = plan("control_plane", __doc__, rounds=1, seconds=30)
    rows: list[Row] = []
    with peers.workshop() as folder:
        with peers.site(make(folder / "eight"), settings(8)) as up:
            rows += [*at_rest(up, chosen.seconds), asked(up, chosen)]
        with peers.site(make(folder / "fifty"), settings(50)) as up:
            rows += many(up, chosen.seconds)
    report(chosen, "The control plane", rows)


if __name__ == "__main__":
    main()
