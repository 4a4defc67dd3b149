"""Claim: slow requests do not block fast ones, because the queue is in the balancer and not in the servers."""

import itertools
import sys
from collections.abc import Callable

from benchmarks import peers
from benchmarks.measure import Target, beside, in_turn, plan, report
from benchmarks.sender import Latencies, poisson, send

SERVERS, SLOTS = 4, 4
FAST, SLOW, SLOW_SHARE = 5, 500, 0.05  # ms, ms, share of the requests
UTILISATION = 0.5
PEER = "HAProxy round-robin"
CAPACITY = SERVERS * SLOTS / (FAST * (1 - SLOW_SHARE) + SLOW * SLOW_SHARE) * 1000  # requests/s

SETTINGS = f"""
command = "{sys.executable} {peers.HERE}/slots.py {{socket}}"
[servers]
min = {SERVERS}
concurrency = {SLOTS}
[https]
redirect = false
"""


def visit(port: Callable[[], int], seconds: float) -> Callable[[], Latencies]:
    """The same arrivals for every side in a round, others in the next."""
    seeds = itertools.count(1)

    def send_all() -> Latencies:
        mix = ([f"/{FAST}", f"/{SLOW}"], [1 - SLOW_SHARE, SLOW_SHARE])
        return send(poisson(UTILISATION * CAPACITY, seconds, next(seeds), *mix), port())

    return send_all


def main() -> None:
    chosen = plan("mixed_load", __doc__, rounds=3, seconds=20)
    with peers.workshop() as folder, peers.site(folder / "site", SETTINGS) as up:
        addresses = [f"unix@{up.paths.server_socket(name)}" for name in up.servers()]
        with peers.haproxy(folder / "haproxy", addresses, up.paths.certificate) as bare:
            sides = {
                "Seawall": visit(lambda: up.http, chosen.seconds),
                PEER: visit(lambda: bare.http, chosen.seconds),
            }
            measured = in_turn(sides, chosen.rounds)
    late = max(each.late_ms for side in measured.values() for each in side)
    title = f"{SERVERS} servers x {SLOTS} slots, {SLOW_SHARE:.0%} slow, {UTILISATION:.0%} used, Poisson arrivals"
    rows = [
        beside(f"p99 of {FAST} ms requests", "ms", measured, PEER, lambda m: m.ms(99, f"/{FAST}"), Target("<=", 0.1)),
        beside(f"p50 of {FAST} ms requests", "ms", measured, PEER, lambda m: m.ms(50, f"/{FAST}")),
        beside(f"p99 of {SLOW} ms requests", "ms", measured, PEER, lambda m: m.ms(99, f"/{SLOW}")),
    ]
    report(chosen, title, rows, [f"The sender's own delay, p99 in the worst round: {late:.1f} ms."])


if __name__ == "__main__":
    main()
