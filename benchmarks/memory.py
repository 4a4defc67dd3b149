"""Claim: one server more takes a quarter of the memory that a separate process takes, because it is forked.

PSS, the processes' own share of memory, after 1,000 requests to each server: examples/flights and a fresh Wagtail.
"""

import contextlib
import http.client
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.scenarios import fresh_wagtail

from benchmarks import peers
from benchmarks.measure import PATIENCE, MeasurementFailed, Target, beside, in_turn, plan, private_memory, report, tree
from benchmarks.new_server import page

FEW, MANY = 2, 6  # servers: what those between them take is what one more takes
REQUESTS = 1000
THREADS = 4
PEER = "gunicorn, a process each"
SETTINGS = f"""
[servers]
min = {{servers}}
max = {{servers}}
concurrency = {THREADS}
[https]
redirect = false
"""


@dataclass(frozen=True)
class Project:
    """What is served, and the page that is asked for."""

    folder: Path
    application: str
    page: str = "/"


class Unix(http.client.HTTPConnection):
    """HTTP to a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=30)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


def ask(server: Path, page: str, requests: int) -> None:
    """So many requests to one server, one after another. Raises MeasurementFailed for anything but 200."""
    connection = Unix(server)
    with contextlib.closing(connection):
        for _ in range(requests):
            connection.request("GET", page)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise MeasurementFailed(f"{page} was answered {answer.status} by {server}")


def wait_for(server: Path, peer: peers.Peer) -> None:
    """Until it answers a first page; what keeps it from that is in its log."""
    deadline = time.monotonic() + PATIENCE
    while not page(server):
        if time.monotonic() > deadline or peer.process.poll() is not None:
            raise MeasurementFailed(f"{server} does not answer:\n{peer.log.read_text()[-2000:]}")
        time.sleep(0.02)


def total(pids: list[int]) -> float:
    return sum(map(private_memory, pids))


def ours(project: Project, servers: int, requests: int) -> float:
    """MB of all servers and the process they are forked from."""
    with peers.site(project.folder, SETTINGS.format(servers=servers)) as up:
        for name in up.servers():
            ask(up.paths.server_socket(name), project.page, requests)
        return total([*up.servers().values(), up.status()["warm"]["pid"]])


def theirs(project: Project, servers: int, requests: int) -> float:
    """MB of as many gunicorn that each import the application themselves; without their masters."""
    with peers.workshop() as folder, contextlib.ExitStack() as stack:
        workers: list[int] = []
        for number in range(servers):
            path = folder / f"{number}.sock"
            peer = stack.enter_context(
                peers.gunicorn(project.folder, path, workers=1, threads=THREADS, application=project.application)
            )
            wait_for(path, peer)
            ask(path, project.page, requests)
            workers += [pid for pid in tree(peer.process.pid) if pid != peer.process.pid]
        return total(workers)


def one_more(measure: Callable[[Project, int, int], float], project: Project, requests: int) -> float:
    """MB that one server more takes."""
    few, many = (measure(project, servers, requests) for servers in (FEW, MANY))
    return (many - few) / (MANY - FEW)


def main() -> None:
    chosen = plan("memory", __doc__, rounds=2, seconds=0)
    requests = 20 if chosen.quick else REQUESTS
    rows = []
    with peers.workshop() as folder:
        projects = {
            "flights": Project(peers.flights(folder / "flights"), "flights.wsgi:application"),
            "a fresh Wagtail": Project(fresh_wagtail.make(folder / "wagtail"), "mysite.wsgi:application"),
        }
        for name, project in projects.items():
            sides = {
                "Seawall": lambda project=project: one_more(ours, project, requests),
                PEER: lambda project=project: one_more(theirs, project, requests),
            }
            measured = in_turn(sides, chosen.rounds)
            rows.append(beside(f"{name}: one server more", "MB (PSS)", measured, PEER, float, Target("<=", 0.25)))
    report(chosen, f"Memory of one server more, after {requests} requests to each", rows)


if __name__ == "__main__":
    main()
