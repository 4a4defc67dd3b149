"""Claim: Seawall's edge costs next to nothing beside a bare HAProxy, and nothing beside nginx."""

import contextlib
import functools
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.scenarios.site import Site

from benchmarks import peers
from benchmarks.load import Ceiling, h2load, watched, wrk
from benchmarks.measure import Row, Target, beside, in_turn, plan, report

CONNECTIONS = 32
# One server for both is no bottleneck: it answers in 8 µs, an edge takes 20.
COMMAND = f"""command = "sh -c 'SOCKET={{socket}} exec haproxy -db -f {peers.HERE}/peers/raw.cfg'"\n"""
# A Python server knows a request that is tried again; for others the balancer takes one more step inside.
PYTHON = 'wsgi = "small:application"\n'
SMALL = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Length", "28")])
    return [b"twenty-eight bytes of answer"]
"""
SETTINGS = """
[servers]
concurrency = 100
[sessions]
mode = "none"
[https]
redirect = false
"""
# "Same duties" tells what HAProxy's work costs from what Seawall's way of asking for it does.
PEERS = ("nginx", "HAProxy by hand", "HAProxy, same duties")
# Of nginx's processor time; over plain HTTP, which redirects, it is only reported.
CHEAPER = {("HTTPS", "nginx"): Target("<=", 1.0), ("HTTP/2", "nginx"): Target("<=", 0.85)}

Load = Callable[[int, int, float], Ceiling]  # HTTP port, HTTPS port, seconds
KINDS: dict[str, Load] = {
    "HTTP": lambda http, https, seconds: wrk(f"http://127.0.0.1:{http}/", CONNECTIONS, seconds),
    "HTTPS": lambda http, https, seconds: wrk(f"https://127.0.0.1:{https}/", CONNECTIONS, seconds),
    "HTTP/2": lambda http, https, seconds: h2load(f"https://127.0.0.1:{https}/", 8, 8, seconds),
}


@contextlib.contextmanager
def edges(folder: Path, kind: str) -> Iterator[tuple[Site, dict[str, peers.Peer]]]:
    """Four edges before the same two servers."""
    site = folder / "site"
    site.mkdir()
    (site / "small.py").write_text(SMALL)
    with contextlib.ExitStack() as stack:
        up = stack.enter_context(peers.site(site, kind + SETTINGS))
        sockets = [str(up.paths.server_socket(name)) for name in up.servers()]
        certificate = up.paths.certificate
        addresses = [f"unix@{path}" for path in sockets]
        bare = stack.enter_context(peers.haproxy(folder / "haproxy", addresses, certificate))
        duties = stack.enter_context(
            peers.haproxy(folder / "duties", addresses, certificate, template="haproxy-duties.cfg.j2")
        )
        nginx = stack.enter_context(peers.nginx(folder / "nginx", sockets, certificate, "nginx-edge.conf.j2"))
        peers.wait_for(f"http://127.0.0.1:{nginx.http}/", nginx)
        yield up, {"HAProxy by hand": bare, "nginx": nginx, "HAProxy, same duties": duties}


def sides(up: Site, others: dict[str, peers.Peer], load: Load, seconds: float) -> dict[str, Callable[[], Ceiling]]:
    def ours() -> Ceiling:
        return watched(lambda: load(up.http, up.https, seconds), lambda: peers.balancers(up))

    def theirs(peer: peers.Peer) -> Ceiling:
        with peers.asleep(up):
            return watched(lambda: load(peer.http, peer.https, seconds), peer.pids)

    return {"Seawall": ours, **{name: functools.partial(theirs, peer) for name, peer in others.items()}}


def rows(kind: str, measured: dict[str, list[Ceiling]]) -> list[Row]:
    found = []
    for peer in PEERS:
        found += [
            beside(f"{kind} throughput", "requests/s", measured, peer, lambda c: c.requests_per_second),
            beside(f"{kind} cost", "µs CPU/request", measured, peer, lambda c: c.cpu_us, CHEAPER.get((kind, peer))),
        ]
    return found


def main() -> None:
    python = "before servers in Python, which are the bottleneck: for the cost of a request, not for how many"
    chosen = plan("edge", __doc__, rounds=5, seconds=3, options={"python": python})
    found = []
    with peers.workshop() as folder, edges(folder, PYTHON if chosen.options else COMMAND) as (up, others):
        for kind, load in KINDS.items():
            found += rows(kind, in_turn(sides(up, others, load, chosen.seconds), chosen.rounds))
    report(chosen, f"The edge: {CONNECTIONS} connections, 28 bytes, two servers behind every edge", found)


if __name__ == "__main__":
    main()
