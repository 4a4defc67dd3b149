"""Claim: a new server answers within 100 ms of the decision to start it, because it is forked and not started."""

import asyncio
import contextlib
import http.client
import json
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from tests.scenarios.site import Site, whole

from benchmarks import peers
from benchmarks.measure import MeasurementFailed, Row, Target, in_turn, plan, report
from seawall.haproxy.socket import RuntimeSocket
from seawall.model import BALANCERS

TIMEOUT = 20.0  # s
PAUSE = 0.002  # s between two looks
PAGE = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
SMALL = "/static/site.css"
# The cookie leads a visitor to one server; an answer of any other one sets it anew.
SETTINGS = """
[sessions]
mode = "sticky"
[https]
redirect = false
"""


@dataclass(frozen=True)
class Birth:
    """ms from the decision to start a server until …"""

    answered: float  # it has answered the front page
    reached: float  # a visitor has had an answer of it through the edge
    routed: float  # both balancers send it requests


def born(up: Site) -> Birth:
    """One server more, and away with it again."""
    wanted = up.status()["wanted"]
    with up.paths.journal.open() as journal, ThreadPoolExecutor() as threads:
        journal.seek(0, 2)
        up.run("set", "servers.max", str(wanted + 1))
        up.run("set", "servers.min", str(wanted + 1))
        name, began = _decision(journal)
        looks: list[Callable[[Site, str], float]] = [_answered, _reached, _routed]
        ends = [threads.submit(look, up, name) for look in looks]
        birth = Birth(*((end.result() - began) * 1000 for end in ends))
    up.run("set", "servers.min", str(wanted))
    up.wait(lambda state: whole(state) and state["wanted"] == wanted)
    return birth


def _decision(journal: TextIO) -> tuple[str, float]:
    """The new server's name, and when it was decided to start it (s since the epoch)."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        for line in journal:
            entry = json.loads(line)
            for event in entry["events"]:
                if event["kind"] == "start-server":
                    return event["subject"], entry["time"]
        time.sleep(PAUSE)
    raise MeasurementFailed("no server was started")


def _when(happened: Callable[[], bool]) -> float:
    """The moment (s since the epoch) it first was so."""
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        if happened():
            return time.time()
        time.sleep(PAUSE)
    raise MeasurementFailed("a new server was not seen serving")


def _answered(up: Site, name: str) -> float:
    return _when(lambda: page(up.paths.server_socket(name)))


def page(path: Path) -> bool:
    """Whether a server on a unix socket answers the front page."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(TIMEOUT)
        try:
            connection.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        connection.sendall(PAGE)
        with connection.makefile("rb") as answer:
            status, rest = answer.readline(), answer.read()
    if b" 200 " not in status or not rest:
        raise MeasurementFailed(f"the front page was answered {status!r}")
    return True


def _reached(up: Site, name: str) -> float:
    visitor = http.client.HTTPConnection("127.0.0.1", up.http, timeout=TIMEOUT)

    def by_it() -> bool:
        visitor.request("GET", SMALL, headers={"Cookie": f"seawall={name}"})
        answer = visitor.getresponse()
        answer.read()
        return answer.status == 200 and "seawall=" not in answer.headers.get("Set-Cookie", "")

    try:
        return _when(by_it)
    finally:
        visitor.close()


def _routed(up: Site, name: str) -> float:
    async def both() -> bool:
        seen = []
        for balancer in BALANCERS:
            with contextlib.closing(RuntimeSocket(up.paths.balancer_socket(balancer))) as asked:
                seen.append(await asked.routes())
        return all(any(r.server == name and r.status == "up" for r in routes) for routes in seen)

    return _when(lambda: asyncio.run(both()))


def cold(project: Path, socket_path: Path, application: str = "flights.wsgi:application") -> float:
    """ms from nothing to gunicorn's first answer."""
    socket_path.unlink(missing_ok=True)
    began = time.time()
    with peers.gunicorn(project, socket_path, workers=1, threads=4, application=application):
        return (_when(lambda: page(socket_path)) - began) * 1000


def main() -> None:
    chosen = plan("new_server", __doc__, rounds=20, seconds=0)
    rounds = 2 if chosen.quick else chosen.rounds
    with peers.workshop() as folder:
        project = peers.flights(folder / "flights")
        peers.copy_site(project, folder / "peer")
        with peers.site(project, SETTINGS) as up:
            births, starts = [], []
            sides = {
                "Seawall": lambda: births.append(born(up)),
                "gunicorn": lambda: starts.append(cold(folder / "peer", folder / "gunicorn.sock")),
            }
            in_turn(sides, rounds)
    target = Target("<=", 0.15)
    rows = [
        Row("decision to its first page", "ms", [b.answered for b in births], starts, "gunicorn, cold", target),
        Row("decision to a visitor's answer", "ms", [b.reached for b in births], starts, "gunicorn, cold", target),
        Row("decision to both balancers", "ms", [b.routed for b in births], starts, "gunicorn, cold"),
    ]
    report(chosen, f"A new server for the running flights site, {rounds} times", rows)


if __name__ == "__main__":
    main()
