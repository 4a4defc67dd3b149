"""Claim: when 400 people come within a second where 10 were, two seconds later nobody waits for a server; none fails.

The application sleeps, as one that waits for a database or another service does. A fixed number of servers, and the
rules of HPA and Knative on the same site, are beside it.
"""

import contextlib
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.scenarios.site import Site, running

from benchmarks import peers
from benchmarks.measure import Row, Target, beside, in_turn, percentile, plan, report
from benchmarks.people import Arrivals, visit
from benchmarks.sender import Latencies, punctual

FEW, MANY = 10, 400  # people
MIN, MAX, SLOTS = 2, 50, 8  # as many slots at most as people
THINK = 1.0  # s between an answer and the next request, mean
WORK = (100, 300)  # ms
CALM = 10.0  # s with few people before
NOTICED = 0.1  # s of waiting
WINDOW = 0.5  # s over which a percentile is taken
LASTING = 3.0  # s
LATE = 50.0  # ms the people may be behind their own schedule, p99
FIXED = f"gunicorn, {MIN} x {SLOTS} threads"

APPLICATION = """
import time

def application(environ, start_response):
    time.sleep(int(environ["PATH_INFO"][1:] or 0) / 1000)
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""
SETTINGS = f"""
wsgi = "sleeper:application"
[servers]
min = {MIN}
max = {MAX}
concurrency = {SLOTS}
[https]
redirect = false
"""


@dataclass(frozen=True)
class Crowd:
    """What became of one flash crowd."""

    found: Latencies
    servers: int  # at its end

    def waits(self, since: float, until: float) -> list[float]:
        """s that requests due between two moments waited beyond the work they asked for."""
        answers = [each for each in self.found.answers if since <= each.due.at < until]
        return [each.seconds - int(each.due.path[1:]) / 1000 for each in answers]

    @property
    def recovered(self) -> float:
        """s from the crowd's coming until the p95 is below NOTICED and stays there for LASTING."""
        end = max(each.due.at for each in self.found.answers)
        begins = [CALM + WINDOW * number for number in range(int((end - CALM) / WINDOW))]
        good = [self._p95(begin) <= NOTICED for begin in begins]
        lasting = int(LASTING / WINDOW)
        firsts = [n for n in range(len(good)) if all(good[n : n + lasting])]
        return begins[firsts[0]] - CALM if firsts else end - CALM

    def _p95(self, since: float) -> float:
        waits = self.waits(since, since + WINDOW)
        return percentile(waits, 0.95) if waits else float("inf")

    @property
    def waited(self) -> float:
        """% of the requests since the crowd came that waited longer than NOTICED."""
        waits = self.waits(CALM, float("inf"))
        return 100 * sum(wait > NOTICED for wait in waits) / len(waits)

    @property
    def failed(self) -> int:
        return self.found.failed.total()


def page(chance: random.Random) -> str:
    return f"/{chance.randint(*WORK)}"


def crowd(port: int, seconds: float, think: float) -> Latencies:
    people = [Arrivals(FEW, 0.0, 1.0), Arrivals(MANY - FEW, CALM, 1.0)]
    return punctual(lambda: visit(port, people, CALM + seconds, think, page), LATE)


def project(folder: Path) -> Path:
    folder.mkdir()
    (folder / "sleeper.py").write_text(APPLICATION)
    return folder


def on_a_site(seconds: float, think: float, rule: str = "") -> Crowd:
    """The crowd at a fresh site; where a rule is named, it decides how many servers there are."""
    with peers.workshop() as place:
        up = Site(project(place / "site"), SETTINGS)
        if rule:
            up.program = [sys.executable, "-m", "benchmarks.ruled", rule]
        with running(up):
            found = crowd(up.http, seconds, think)
            return Crowd(found, len(up.servers()))


def on_gunicorn(certificate: Path, seconds: float, think: float) -> Crowd:
    with peers.workshop() as place, contextlib.ExitStack() as stack:
        socket = place / "gunicorn.sock"
        stack.enter_context(
            peers.gunicorn(
                project(place / "site"), socket, workers=MIN, threads=SLOTS, application="sleeper:application"
            )
        )
        nginx = stack.enter_context(peers.nginx(place / "nginx", [str(socket)], certificate, "nginx-gunicorn.conf.j2"))
        peers.wait_for(f"http://127.0.0.1:{nginx.http}/0", nginx)
        return Crowd(crowd(nginx.http, seconds, think), MIN)


def compared(measured: dict[str, list[Crowd]], peer: str, target: Target | None) -> list[Row]:
    return [
        beside("p95 waiting below 100 ms again after", "s", measured, peer, lambda each: each.recovered, target),
        beside("requests that waited longer", "%", measured, peer, lambda each: each.waited),
    ]


def told(measured: dict[str, list[Crowd]], figure: Callable[[Crowd], object]) -> str:
    """One figure of all sides, round by round."""
    return "; ".join(f"{name} {', '.join(str(figure(each)) for each in side)}" for name, side in measured.items())


def main() -> None:
    options = {"restless": "people who ask again at once: as many requests as people"}
    chosen = plan("flash_crowd", __doc__, rounds=3, seconds=40, options=options)
    think = 0.0 if chosen.options else THINK
    with peers.workshop() as folder:
        certificate = peers.self_signed(folder)
        sides: dict[str, Callable[[], Crowd]] = {
            "Seawall": lambda: on_a_site(chosen.seconds, think),
            "HPA's rule": lambda: on_a_site(chosen.seconds, think, "HPA"),
            "Knative's rule": lambda: on_a_site(chosen.seconds, think, "Knative"),
            FIXED: lambda: on_gunicorn(certificate, chosen.seconds, think),
        }
        measured = in_turn(sides, chosen.rounds)
    target = Target("<=", 2, ratio=False)
    rows = [row for peer in list(sides)[1:] for row in compared(measured, peer, target if peer == FIXED else None)]
    failed = [float(each.failed) for each in measured["Seawall"]]
    rows.append(Row("failed", "requests", failed, [], target=Target("<=", 0, ratio=False)))
    notes = [
        f"Failed: {told(measured, lambda each: each.failed)}.",
        f"Servers at the end: {told(measured, lambda each: each.servers)}.",
        f"Requests: {told(measured, lambda each: len(each.found.answers))}.",
        f"The people's own delay, p99, ms: {told(measured, lambda each: round(each.found.late_ms, 1))}.",
    ]
    title = f"{FEW} people, then {MANY} within a second, who think for {think:g} s; {chosen.seconds:g} s of them"
    report(chosen, title, rows, notes)


if __name__ == "__main__":
    main()
