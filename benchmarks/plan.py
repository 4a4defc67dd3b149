"""Claim: deciding what to do takes at most a millisecond with 50 servers, at rest and under a surge."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tests.decide.values import balancer, observed, route, server

from benchmarks.measure import Row, Target, in_turn, percentile, plan, report
from seawall.decide.plan import plan as decide
from seawall.model import Load, Memory, Observed, Site

SERVERS, SLOTS = 50, 4
SERVICE = 0.1  # s
STEADY, SURGE = 1200.0, 3000.0  # requests a second: what 50 servers are there for, and what needs many more
TICK = 0.1  # s
BEGAN = 1000.0  # s
FULL = 400  # ticks, after which all windows are full
PEER = "sorting 5,000 numbers"
NUMBERS = [number * 7919 % 5003 for number in range(5000)]


@dataclass(frozen=True)
class Spent:
    """ms of processor time of each decision."""

    steady: list[float]
    surge: list[float]


def loads(ticks: int) -> Iterator[Load]:
    """What the balancers count, tick by tick: a steady load for so many ticks, then a surge without end."""
    number, arrived = 0, 0.0
    while True:
        number += 1
        rate = STEADY if number <= ticks else SURGE
        arrived += rate * TICK
        serving = rate * SERVICE
        finished = int(arrived - serving)
        yield Load(BEGAN + number * TICK, int(arrived), finished, finished * SERVICE, int(serving))


def fleet() -> Observed:
    """All servers well, in both balancers."""
    names = [f"s{number}" for number in range(SERVERS)]
    servers = [server(name, age=BEGAN) for name in names]
    busy = [route(name, current=number % SLOTS) for number, name in enumerate(names)]
    return observed(*servers, a=balancer("a", *busy), b=balancer("b", *map(route, names)))


def decisions(number: int) -> Spent:
    """So many under a steady load, and so many under a surge; what it starts never comes."""
    site, seen = Site(min=SERVERS, max=2 * SERVERS, slots=SLOTS, edge="new"), fleet()
    memory, taken = Memory(next_server=SERVERS, opened=True), []
    coming = loads(FULL + number)
    for load in (next(coming) for _ in range(FULL + 2 * number)):
        now = replace(seen, load=load)
        began = time.thread_time()
        memory = decide(site, now, memory, load.at).memory
        taken.append((time.thread_time() - began) * 1000)
    return Spent(taken[FULL:-number], taken[-number:])


def sorting(times: int) -> list[float]:
    taken = []
    for _ in range(times):
        began = time.thread_time()
        sorted(NUMBERS)
        taken.append((time.thread_time() - began) * 1000)
    return taken


def main() -> None:
    chosen = plan("plan", __doc__, rounds=5, seconds=0)
    number = 100 if chosen.quick else 1000
    ours: list[Spent] = []
    theirs: list[list[float]] = []
    in_turn(
        {"Seawall": lambda: ours.append(decisions(number)), PEER: lambda: theirs.append(sorting(number))}, chosen.rounds
    )
    target = Target("<=", 1, ratio=False)
    rows = [
        Row(
            f"{what}, {name} of CPU",
            "ms",
            [percentile(taken(each), share) for each in ours],
            [percentile(each, share) for each in theirs],
            PEER,
            target,
        )
        for what, taken in (("steady", lambda each: each.steady), ("under a surge", lambda each: each.surge))
        for name, share in (("median", 0.5), ("p99", 0.99))
    ]
    report(chosen, f"One decision with {SERVERS} servers and {STEADY:.0f} requests/s", rows)


if __name__ == "__main__":
    main()
