"""Claim: a page that ends its server's process, asked for once a second, is noticed by nobody else."""

import asyncio
import contextlib
import itertools
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.client import Connection
from tests.scenarios.site import Site
from tests.scenarios.test_poison import KINDS

from benchmarks import peers
from benchmarks.measure import Target, beside, in_turn, plan, report
from benchmarks.sender import Latencies, poisson, send

RATE = 40  # requests/s of the others, which take 20 ms
OTHERS = "others, with the page"
UNDISTURBED = "without it"


def settings(kind: str, servers: int) -> str:
    return f"{KINDS[kind][2]}\n[servers]\nmin = {servers}\n[https]\nredirect = false\n"


@contextlib.contextmanager
def poison(site: Site, statuses: list[int]) -> Iterator[None]:
    """One such request a second."""
    ended = threading.Event()

    async def work() -> None:
        asking = set()
        while not ended.is_set():
            asking.add(asyncio.create_task(ask()))
            await asyncio.sleep(1.0)
        await asyncio.gather(*asking)

    async def ask() -> None:
        connection = Connection("127.0.0.1", site.http, None)
        statuses.append((await connection.request("GET", "/crash")).status)
        connection.close()

    thread = threading.Thread(target=lambda: asyncio.run(work()))
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def visit(site: Site, seconds: float, statuses: list[int] | None) -> Callable[[], Latencies]:
    seeds = itertools.count(1)

    def send_all() -> Latencies:
        disturbed = contextlib.nullcontext() if statuses is None else poison(site, statuses)
        with disturbed:
            return send(poisson(RATE, seconds, next(seeds), ["/"], [1]), site.http)

    return send_all


def main() -> None:
    chosen = plan("poison", __doc__, rounds=1, seconds=60)
    rows, notes = [], []
    with peers.workshop() as folder:
        for kind, servers in itertools.product(KINDS, (4, 6)):
            where = folder / f"{kind}-{servers}"
            where.mkdir(parents=True)
            Path(where / KINDS[kind][0]).write_text(KINDS[kind][1])
            statuses: list[int] = []
            with peers.site(where, settings(kind, servers)) as up:
                first = set(up.servers())
                sides = {
                    UNDISTURBED: visit(up, chosen.seconds, None),
                    OTHERS: visit(up, chosen.seconds, statuses),
                }
                measured = in_turn(sides, chosen.rounds)
                died = int(max(up.servers(), key=lambda name: int(name[1:]))[1:]) - len(first)
            what = f"{kind}, {servers} servers: p99 of others"
            rows.append(
                beside(what, "ms", measured, UNDISTURBED, lambda m: m.ms(99, "/"), Target("<=", 2.0), ours=OTHERS)
            )
            answers = ", ".join(f"{statuses.count(status)} x {status}" for status in sorted(set(statuses)))
            notes.append(f"{kind}, {servers} servers: {died} died; the page was answered {answers}; 0 others failed.")
    report(chosen, f"one such request a second, others at {RATE}/s", rows, notes)


if __name__ == "__main__":
    main()
