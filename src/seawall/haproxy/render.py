"""The configuration of one HAProxy, from what both balancers have in common and what is its own."""

import functools
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from seawall.errors import UnknownServer
from seawall.haproxy import quote
from seawall.model import HEALTH_PATH, STRATEGIES, Strategy
from seawall.paths import KNOCKS

COOKIE = "seawall"
LATER = "later"  # the backup server of each backend that makes requests wait while there is no other
SORRY = "sorry"  # the backup server that refuses them, while it is up
INTERNAL = (LATER, SORRY)
BALANCE = {"least-connections": "leastconn", "round-robin": "roundrobin", "random": "random"}

TEMPLATES = Path(__file__).with_name("templates")
_CONFIG = "haproxy.cfg.j2"
_ERROR_PAGE = "error.html.j2"

_ERRORS = {
    502: ("This page did not arrive whole", "If you were reading, reload it. If you were sending something, "
          "first look whether it has arrived: it may have been done already."),
    503: ("The site is busy", "Please wait a few seconds, then reload the page."),
    504: ("This page takes too long", "Please try again later. If you were sending something, "
          "first look whether it has arrived: it may have been done already."),
}  # fmt: skip
# A visitor's browser must not keep an error page; 503 passes soon, the others are not known to.
_ERROR_HEADERS = {503: " hdr Cache-Control no-store hdr Retry-After 5"}
_REFUSED = (503, "This page is out of order", "It has been switched off for a few minutes. Please try again later.")

# The balancer's log of lost requests, and in the runtime folder, HAProxy's working folder, its map of refused ones (see
# refuse.py). With another form they need another name: a balancer of another release then says that it has none.
RING, REFUSED = "ended", "refused.map"
# Time, id, frontend, how it ended, status, server, the servers that died before, method, target; see deaths.py.
LOG_FORMAT = "%Ts %ID %ft %tsc %ST %s %[var(txn.ended)] %HM %HU"
# Bytes of a line: a target has at most 15 KB, of which bytes that are no text are written as three.
_LOG_LONGEST = 24576
ENDED_HEADER = "X-Seawall-Ended"  # in the 502 of a server that did not begin a request: which servers died under it

EXACT_RATE = 4000  # requests/s above which only the latency of one in 16 is noted

_WAIT_STEPS = 10  # times a request may begin to wait anew
_AGAIN_PAUSE = 0.2  # s before a last try

# Bytes that a unix socket and the buffers at its ends hold while nobody reads, also if they come 500 at a time.
_FITS_SOCKET = 100_000

# Connections inside; and twice as many files are more than the listening sockets' numbers (see listeners.py), which
# HAProxy has room for only then.
_ROOM = 5200

# Static servers have their number in the configuration too, and HAProxy numbers its own from 1.
_FIRST_ID = 1000


@dataclass(frozen=True)
class Edge:
    """What is equal on both balancers. Timeouts in seconds."""

    concurrency: int  # requests a server works on at once, if it does not say; more wait in the balancer
    request_timeout: float
    queue_timeout: float
    https_port: int | None
    certificate: Path | None  # chain and key in one PEM file
    redirect: bool  # answer HTTP with a redirect to HTTPS
    sticky: bool  # a cookie remembers the visitor's server
    user: str | None  # whom HAProxy becomes once it has read its files
    group: str | None
    max_connections: int  # of visitors; with HTTPS three quarters of them by HTTPS
    run_folder: Path  # for the error pages
    slots: int = 4  # requests that the servers work on at once, or the one server a cookie leads to
    body_timeout: float = 30.0  # for a body that fits a buffer, or the part of a longer one that does
    stream_timeout: float = 3600.0  # a websocket or an event stream may be silent
    hop: bool = False  # servers cannot tell a request that is tried again: one more step inside bounds its tries
    beats: bool = False  # heartbeats are answered on a socket of their own: s1.beat beside s1.sock
    certificate_digest: str = ""  # of what is in it: a renewed one is another configuration

    def digest(self) -> str:
        """Tells configurations apart: a balancer started with another one is outdated."""
        # How many requests a server is given is changed while the balancer runs.
        edge = astuple(replace(self, concurrency=0))
        text = [repr((edge, _ERRORS, _REFUSED)), RING, LOG_FORMAT, REFUSED, server_parameters("s0", 0)]
        text += [(TEMPLATES / name).read_text() for name in (_CONFIG, _ERROR_PAGE)]
        return hashlib.sha256("\0".join(text).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class ServerAddress:
    """Where a server listens: `unix@/path` or `127.0.0.1:port`; `beat`: with a socket for heartbeats beside it."""

    name: str
    address: str
    beat: bool = True
    limit: int = 0  # requests it is given at a time; 0: as many as the edge says


def server_id(name: str) -> int:
    """HAProxy's number for a server: s7 → 1007. Raises UnknownServer if Seawall does not name servers so."""
    if not re.fullmatch(r"s[0-9]+", name):
        raise UnknownServer(f"{name} is not the name of a server.", "Servers are called s1, s2, …: seawall status")
    return _FIRST_ID + int(name[1:])


def server_name(number: int) -> str:
    return f"s{number - _FIRST_ID}"


def server_parameters(name: str, limit: int) -> str:
    """Everything after the addresses, the same in the configuration and in `add server`.

    Dynamic servers without id and weight are silently left out by `random` (HAProxy issue 3413), and without
    pool-max-conn and pool-purge-delay 2.6 opens a connection for each request to them. A silent server is
    down after 1.25 s at most: 200 + 500 ms to the first missed heartbeat, 50 + 500 to the second; with a `timeout
    check` of 400 ms, eight saturated servers on two cores were called dead. No `on-marked-down shutdown-sessions`: it
    also ends requests that are just being given to another server. One refused connection is enough to be down: with
    two, several dead servers took turns in refusing a request until its retries were used up.
    """
    return (
        f"id {server_id(name)} weight 100 maxconn {limit} pool-max-conn -1 pool-purge-delay 1s"
        " check inter 200ms fastinter 50ms fall 2 rise 1 observe layer4 error-limit 1 on-error mark-down"
    )


def added_server(edge: Edge, server: ServerAddress) -> str:
    """Everything after the name in `add server`."""
    return _server(edge, server, quote.argument)


def _server(edge: Edge, server: ServerAddress, quoted: Callable[[str], str]) -> str:
    words = [quoted(quote.address(server.address)), server_parameters(server.name, server.limit or edge.concurrency)]
    if edge.beats and server.beat and server.address.startswith("unix@"):
        words.append("addr " + quoted(quote.address(str(Path(server.address).with_suffix(".beat")))))
    return " ".join(words)


def render(
    edge: Edge,
    *,
    balancer: str,
    runtime_socket: Path,
    http_fd: int,
    https_fd: int | None,
    servers: Sequence[ServerAddress],
    strategy: Strategy,
) -> str:
    """The configuration file. The sockets are inherited by number; `servers` are in the backend of `strategy` alone."""
    return _environment().get_template(_CONFIG).render(
        edge=edge,
        digest=edge.digest(),
        balancer=balancer,
        runtime_socket=runtime_socket,
        http_fd=http_fd,
        https_fd=https_fd,
        https_port="" if edge.https_port == 443 else f":{edge.https_port}",
        servers=[f"{server.name} {_server(edge, server, quote.word)}" for server in servers],
        strategy=strategy,
        strategies=[(name, BALANCE[name]) for name in STRATEGIES],
        errors={status: _ERROR_HEADERS.get(status, " hdr Cache-Control no-store") for status in _ERRORS},
        ring=RING,
        log_format=LOG_FORMAT,
        log_longest=_LOG_LONGEST,
        ended_header=ENDED_HEADER,
        refused=REFUSED,
        uploads=_uploads(edge.slots),
        health_path=HEALTH_PATH,
        cookie=COOKIE,
        exact_rate=EXACT_RATE,
        first_id=_FIRST_ID,
        waited_socket=edge.run_folder / f"waited-{balancer}.sock",
        sorry_socket=edge.run_folder / f"sorry-{balancer}.sock",
        wake_socket=edge.run_folder / KNOCKS,
        room=_ROOM,
        wait_steps=_WAIT_STEPS,
        again_pause=_AGAIN_PAUSE,
        fits_socket=_FITS_SOCKET,
        short_socket=edge.run_folder / f"short-{balancer}.sock",
        once_socket=edge.run_folder / f"once-{balancer}.sock",
        again_socket=edge.run_folder / f"again-{balancer}.sock",
        last_socket=edge.run_folder / f"last-{balancer}.sock",
        hop_socket=edge.run_folder / f"hop-{balancer}.sock",
    )  # fmt: skip


def _uploads(slots: int) -> dict[str, int]:
    """Shares of the slots, never all: for people who use no more than `each`, and for all others together.

    The first is at least two, as one who sends several has one of it. The second is so large that a browser which
    sends six files at once over HTTP/2 is served by two small servers.
    """
    fair = max(1, slots // 4, min(2, slots - 2))
    several = max(0, min(slots * 5 // 8, slots - 1 - fair))
    return {"fair": fair, "several": several, "each": max(1, fair // 4)}


def error_pages() -> dict[str, str]:
    """What visitors see when no server answers: HTML by file name."""
    page = _environment().get_template(_ERROR_PAGE)
    pages = {f"{status}.html": (status, *words) for status, words in _ERRORS.items()} | {"refused.html": _REFUSED}
    return {
        name: page.render(status=status, title=title, advice=advice) for name, (status, title, advice) in pages.items()
    }


def backend(strategy: Strategy) -> str:
    return f"app_{strategy}"


@functools.cache
def _environment() -> Environment:
    """One for all: it keeps what it has compiled, 40 ms a template, until the file changes."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["word"] = quote.word
    environment.filters["unix"] = quote.unix
    environment.filters["ms"] = lambda seconds: f"{max(1, round(seconds * 1000))}ms"
    return environment
