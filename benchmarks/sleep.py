"""Claim: the first page out of sleep comes within 300 ms: it waits for a fork, not for an import."""

import contextlib
import http.client
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.scenarios import fresh_wagtail
from tests.scenarios.site import Site

from benchmarks import peers
from benchmarks.measure import MeasurementFailed, Target, beside, in_turn, plan, report
from benchmarks.new_server import cold

SETTINGS = """
[servers]
min = 0
max = 2
idle = 0.3
[https]
redirect = false
"""
TIMEOUT = 60.0  # s


def woken(up: Site) -> float:
    """ms to the front page of a site that sleeps."""
    up.wait(lambda state: state["asleep"] is not None and not state["servers"])
    time.sleep(1)
    visitor = http.client.HTTPConnection("127.0.0.1", up.http, timeout=TIMEOUT)
    began = time.monotonic()
    visitor.request("GET", "/")
    answer = visitor.getresponse()
    answer.read()
    taken = (time.monotonic() - began) * 1000
    visitor.close()
    if answer.status != 200:
        raise MeasurementFailed(f"the front page was answered {answer.status}")
    return taken


@contextlib.contextmanager
def asleep(project: Path, settings: str) -> Iterator[Site]:
    up = Site(project, settings)
    try:
        up.start()
        up.wait(lambda state: state["open"])
        yield up
    finally:
        up.clean()


def measured(project: Path, folder: Path, application: str, rounds: int) -> dict[str, list[float]]:
    """ms of both sides, each with a copy of its own."""
    peer = folder / f"{project.name}-peer"
    peers.copy_site(project, peer)
    with asleep(project, SETTINGS) as up:
        sides: dict[str, Callable[[], float]] = {
            "Seawall": lambda: woken(up),
            "gunicorn, cold": lambda: cold(peer, folder / "gunicorn.sock", application),
        }
        return in_turn(sides, rounds)


def main() -> None:
    chosen = plan("sleep", __doc__, rounds=9, seconds=0)
    rounds = 2 if chosen.quick else chosen.rounds
    with peers.workshop() as folder:
        flights = measured(peers.flights(folder / "flights"), folder, "flights.wsgi:application", rounds)
        large = measured(fresh_wagtail.make(folder / "wagtail"), folder, "mysite.wsgi:application", rounds)
    rows = [
        beside("flights", "ms", flights, "gunicorn, cold", float, Target("<=", 300, ratio=False)),
        beside("a fresh Wagtail", "ms", large, "gunicorn, cold", float),
    ]
    report(chosen, f"The first page of a site that sleeps, {rounds} times", rows)


if __name__ == "__main__":
    main()
