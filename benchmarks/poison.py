"""Claim: a page that ends its server's process, asked for once a second, is noticed by nobody else."""

import asyncio
import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.client import Connection
from tests.scenarios.site import Site
from tests.scenarios.test_poison import KINDS

from benchmarks import peers
from benchmarks.measure import Target, beside, in_turn, plan, report
from benchmarks.sender import Latencies, poisson, send
from seawall.decide import crashing
from seawall.haproxy.deaths import COMMAND, Losses
from seawall.haproxy.refuse import commands
from seawall.haproxy.socket import RuntimeSocket
from seawall.lost import Crashes

RATE = 40  # requests/s of the others, which take 20 ms
OTHERS = "others, with the page"
UNDISTURBED = "without it"


def settings(kind: str, servers: int) -> str:
    return f"{KINDS[kind][2]}\n[servers]\nmin = {servers}\n[https]\nredirect = false\n"


class Watch:
    """What the control plane does: asks the balancers what was lost, and tells them what to refuse."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.losses = Losses(int(time.time()))
        self.crashes = Crashes()
        self.sockets = [RuntimeSocket(site.paths.balancer_socket(name)) for name in ("a", "b")]

    async def look(self) -> None:
        alive = set(self.site.servers())
        deaths = []
        for socket in self.sockets:
            deaths += self.losses.new(await socket.ask(COMMAND), alive)[0]
        before = crashing.refused(self.crashes, time.monotonic())
        self.crashes, _ = crashing.remember(deaths, self.crashes, time.monotonic())
        refused = crashing.refused(self.crashes, time.monotonic())
        if refused != before:
            for socket, command in itertools.product(self.sockets, commands(refused)):
                await socket.ask(command)


@contextlib.contextmanager
def poison(site: Site, statuses: list[int]) -> Iterator[None]:
    """One such request a second, while what it does is watched."""
    ended = threading.Event()

    async def work() -> None:
        watch = Watch(site)
        for number in itertools.count():
            if ended.is_set():
                return
            with contextlib.suppress(OSError):
                await watch.look()
            if number % 5 == 0:
                asyncio.get_running_loop().create_task(ask())
            await asyncio.sleep(0.2)

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
