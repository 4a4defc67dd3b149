"""Claim: nginx and gunicorn with as many processes and threads serve the front page of examples/flights slower."""

import contextlib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.scenarios.site import Site

from benchmarks import peers
from benchmarks.load import Ceiling, watched, wrk
from benchmarks.measure import Plan, Row, Target, beside, in_turn, plan, report, tree
from benchmarks.sender import Latencies, poisson, send

PROCESSES, THREADS = 2, 4
CONNECTIONS = 24
SHARE = 0.7  # of the slower side's capacity, for latencies
PEER = "nginx + gunicorn"

SETTINGS = f"""
[servers]
min = {PROCESSES}
concurrency = {THREADS}
[https]
redirect = false
"""


@dataclass(frozen=True)
class Side:
    """Where one side is reached, and what it runs."""

    urls: dict[str, str]
    ports: dict[str, int]
    pids: Callable[[], list[int]]
    turn: Callable[[], contextlib.AbstractContextManager[None]]  # to be entered while it is measured


def _side(
    http: int,
    https: int,
    pids: Callable[[], list[int]],
    turn: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext,
) -> Side:
    urls = {"HTTP": f"http://127.0.0.1:{http}/", "HTTPS": f"https://127.0.0.1:{https}/"}
    return Side(urls, {"HTTP": http, "HTTPS": https}, pids, turn)


@contextlib.contextmanager
def both(folder: Path) -> Iterator[dict[str, Side]]:
    """Each side with its own copy of the site and its database."""
    with contextlib.ExitStack() as stack:
        project = peers.flights(folder / "flights")
        peers.copy_site(project, folder / "peer")
        up: Site = stack.enter_context(peers.site(project, SETTINGS))
        assert up.control is not None
        control = up.control.pid
        socket = folder / "gunicorn.sock"
        workers = stack.enter_context(peers.gunicorn(folder / "peer", socket, workers=PROCESSES, threads=THREADS))
        nginx = stack.enter_context(
            peers.nginx(folder / "nginx", [str(socket)], up.paths.certificate, "nginx-gunicorn.conf.j2")
        )
        peers.wait_for(f"http://127.0.0.1:{nginx.http}/", nginx)
        yield {
            "Seawall": _side(up.http, up.https, lambda: tree(control)),
            PEER: _side(nginx.http, nginx.https, lambda: nginx.pids() + workers.pids(), lambda: peers.asleep(up)),
        }


def throughput(side: Side, kind: str, seconds: float) -> Ceiling:
    with side.turn():
        return watched(lambda: wrk(side.urls[kind], CONNECTIONS, seconds), side.pids)


def latencies(side: Side, kind: str, rate: float, seconds: float, seed: int) -> Latencies:
    tls = peers.tls() if kind == "HTTPS" else None
    with side.turn():
        return send(poisson(rate, seconds, seed, ["/"], [1.0]), side.ports[kind], tls)


def saturate(sides: dict[str, Side], kind: str, chosen: Plan) -> dict[str, list[Ceiling]]:
    for side in sides.values():  # every thread's connection to the database, and the interpreter's caches
        throughput(side, kind, min(3, chosen.seconds))
    calls = {name: lambda side=side: throughput(side, kind, chosen.seconds) for name, side in sides.items()}
    return in_turn(calls, chosen.rounds)


def moderate(sides: dict[str, Side], kind: str, rate: float, chosen: Plan) -> dict[str, list[Latencies]]:
    seeds = {name: itertools.count(1) for name in sides}
    calls = {
        name: lambda name=name, side=side: latencies(side, kind, rate, 2 * chosen.seconds, next(seeds[name]))
        for name, side in sides.items()
    }
    return in_turn(calls, chosen.rounds)


def rows(sides: dict[str, Side], kind: str, chosen: Plan) -> list[Row]:
    full = saturate(sides, kind, chosen)
    rate = SHARE * min(each.requests_per_second for side in full.values() for each in side)
    part = moderate(sides, kind, rate, chosen)
    at = f"at {rate:.0f} pages/s"
    return [
        beside(f"{kind} throughput", "pages/s", full, PEER, lambda c: c.requests_per_second),
        beside(f"{kind} cost", "ms CPU/page", full, PEER, lambda c: c.cpu_us / 1000),
        beside(f"{kind} p99 {at}", "ms", part, PEER, lambda c: c.ms(99, "/"), Target("<=", 0.75)),
        beside(f"{kind} p50 {at}", "ms", part, PEER, lambda c: c.ms(50, "/")),
    ]


def main() -> None:
    chosen = plan("django_page", __doc__, rounds=3, seconds=5)
    with peers.workshop() as folder, both(folder) as sides:
        found = [row for kind in ("HTTP", "HTTPS") for row in rows(sides, kind, chosen)]
    report(chosen, f"The Django page: {PROCESSES} processes x {THREADS} threads on both sides", found)


if __name__ == "__main__":
    main()
