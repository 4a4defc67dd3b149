"""Visitors who mean harm, one at a time and by the thousand: refused at the edge, while the others are served."""

import asyncio
import contextlib
import json
import resource
import socket
import ssl
import time
from collections.abc import Awaitable, Iterator
from typing import Any

import pytest

from tests.client import Load, insecure
from tests.scenarios.site import Site, running

# Says what reached it, and keeps a record of it for what the visitor never sees.
ECHO = """
import json
def application(environ, start_response):
    body = environ["wsgi.input"].read().decode("latin-1")
    seen = {key: value for key, value in environ.items() if isinstance(value, str)}
    with open("seen.txt", "a") as file:
        file.write(seen["REQUEST_METHOD"] + " " + seen["PATH_INFO"].replace("\\n", " ") + "\\n")
    answer = json.dumps({**seen, "body": body}).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))])
    return [answer]
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site.small(tmp_path_factory.mktemp("attacks"), "[servers]\nqueue_timeout = 3\n")
    (site.folder / "application.py").write_text(ECHO)
    with running(site):
        yield site


def send(site: Site, data: bytes, tls: bool = True) -> bytes:
    """What comes back, until the connection is closed or nothing more comes for half a second."""
    received = b""
    plain = socket.create_connection(("127.0.0.1", site.https if tls else site.http))
    with insecure().wrap_socket(plain, server_hostname="localhost") if tls else plain as connection:
        connection.settimeout(0.5)
        connection.sendall(data)
        with contextlib.suppress(TimeoutError, ConnectionError, ssl.SSLError):
            while part := connection.recv(65536):
                received += part
    return received


def status(answer: bytes) -> int:
    return int(answer.split()[1])


def seen(site: Site) -> list[str]:
    """ "METHOD PATH" of everything that reached the application."""
    file = site.folder / "seen.txt"
    return file.read_text().splitlines() if file.exists() else []


def request(headers: str = "", body: bytes = b"", line: str = "POST / HTTP/1.1", host: str = "Host: a\r\n") -> bytes:
    return f"{line}\r\n{host}{headers}\r\n".encode("latin-1") + body


SMUGGLED = b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"

REFUSED = {
    "no host": request(line="GET / HTTP/1.1", host=""),
    "no host in 1.0": request(line="GET / HTTP/1.0", host=""),
    "two hosts": request("Host: b\r\n"),
    "unknown version": request(line="GET / HTTP/3.7"),
    "http 0.9": b"GET /\r\n\r\n",
    "bad method": request(line="G@T / HTTP/1.1"),
    "connect": request(line="CONNECT a:443 HTTP/1.1"),
    "trace": request(line="TRACE / HTTP/1.1"),
    "absolute URI of another host": request(line="GET http://other.example/ HTTP/1.1"),
    "obscured transfer encoding": request("Content-Length: 6\r\nTransfer-Encoding: xchunked\r\n", SMUGGLED),
    "two transfer encodings": request("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", SMUGGLED),
    "space before colon": request("Content-Length: 5\r\nTransfer-Encoding : chunked\r\n", SMUGGLED),
    "vertical tab": request("Content-Length: 5\r\nTransfer-Encoding:\x0bchunked\r\n", SMUGGLED),
    "two lengths": request("Content-Length: 5\r\nContent-Length: 6\r\n", SMUGGLED),
    "negative length": request("Content-Length: -1\r\n"),
    "signed length": request("Content-Length: +5\r\n", b"abcde"),
    "empty length": request("Content-Length: \r\n", SMUGGLED),
    "length beyond 64 bits": request("Content-Length: 99999999999999999999\r\n"),
    "bad chunk": request("Transfer-Encoding: chunked\r\n", b"zz\r\nabc\r\n0\r\n\r\n"),
    "line feed in chunk extension": request("Transfer-Encoding: chunked\r\n", b"3;a\nb\r\nabc\r\n0\r\n\r\n"),
    "huge header": request(f"X: {'a' * 20000}\r\n"),
    "many headers": request("".join(f"X{n}: 1\r\n" for n in range(2000))),
    "long path": request(line=f"GET /{'a' * 20000} HTTP/1.1"),
    "NUL in a header": request("X: a\0b\r\n"),
    "control character in a header": request("X: a\x01b\r\n"),
    "carriage return in a header": request("X: a\rb\r\n"),
    "NUL in the path": request(line="GET /a\0b HTTP/1.1"),
    "encoded NUL in the path": request(line="GET /a%00b HTTP/1.1"),
    "space in a header name": request("X y: 1\r\n"),
    "line that begins with a space": request(" X: 1\r\n", host=""),
    "bytes of all kinds": bytes(range(256)) * 4,
}


@pytest.mark.parametrize("attack", REFUSED.values(), ids=REFUSED.keys())
def test_refused(site: Site, attack: bytes) -> None:
    before = seen(site)
    assert 400 <= status(send(site, attack)) < 500
    assert seen(site) == before, "it reached the application"


def test_http_to_the_https_port_and_the_other_way_round(site: Site) -> None:
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500)
    assert status(send(site, hello, tls=False)) == 400
    with socket.create_connection(("127.0.0.1", site.https), timeout=5) as connection:
        connection.sendall(request())
        assert b"200 OK" not in connection.recv(1000)


def test_two_lengths_of_one_body_smuggle_nothing(site: Site) -> None:
    """RFC 9112 section 6.3: Transfer-Encoding overrides Content-Length, and the connection is closed after it."""
    answer = send(site, request("Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", SMUGGLED))
    assert answer.count(b"HTTP/1.1 ") == 1
    assert "GET /smuggled" not in seen(site)


def echoed(answer: bytes) -> dict[str, str]:
    parsed: dict[str, str] = json.loads(answer[answer.index(b"{") :])
    return parsed


FORGED = "".join(
    f"{name}: {value}\r\n"
    for name, value in {
        "X-Forwarded-For": "6.6.6.6",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": "evil",
        "X-Forwarded-Port": "1",
        "X-Forwarded-Prefix": "/evil",
        "X-Forwarded-Anything": "evil",
        "X_Forwarded_For": "6.6.6.6",
        "X_Forwarded-Host": "evil",
        "Forwarded": "for=6.6.6.6",
        "X-Real-IP": "6.6.6.6",
        "X_Real_IP": "6.6.6.6",
        "Proxy": "http://evil",
    }.items()
)


def test_nobody_says_for_the_edge_who_asks(site: Site) -> None:
    environ = echoed(send(site, request(FORGED, line="GET / HTTP/1.1")))
    forwarded = {key: value for key, value in environ.items() if "FORWARDED" in key or "REAL_IP" in key}
    assert forwarded == {
        "HTTP_X_FORWARDED_FOR": "127.0.0.1",
        "HTTP_X_FORWARDED_PROTO": "https",
        "HTTP_X_FORWARDED_HOST": "a",
        "HTTP_X_FORWARDED_PORT": str(site.https),
    }
    assert environ["REMOTE_ADDR"] == "127.0.0.1"
    assert environ["wsgi.url_scheme"] == "https"
    assert "HTTP_PROXY" not in environ


def test_the_connection_header_takes_nothing_away(site: Site) -> None:
    """RFC 9110 section 7.6.1 lets a visitor name headers that end here; ours are not among them."""
    environ = echoed(send(site, request("Connection: close, X-Forwarded-For, X-Forwarded-Proto\r\n")))
    assert environ["HTTP_X_FORWARDED_FOR"] == "127.0.0.1"
    assert environ["HTTP_X_FORWARDED_PROTO"] == "https"


def test_no_upgrade_past_the_edge(site: Site) -> None:
    """A server that agreed to speak HTTP/2 would be reached through a tunnel in which the edge checks nothing."""
    environ = echoed(
        send(site, request("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n"))
    )
    assert "HTTP_UPGRADE" not in environ


HEARTBEATS = [
    "/-/seawall/health",
    "/-/seawall/%68ealth",
    "/%2d/seawall/health?x",
    "http://a/-/seawall/health",
    "/-/seawall/",
]


@pytest.mark.parametrize("path", HEARTBEATS)
def test_heartbeats_are_not_for_visitors(site: Site, path: str) -> None:
    assert status(send(site, request(line=f"GET {path} HTTP/1.1"))) == 404
    assert status(send(site, request(line=f"POST {path} HTTP/1.1"))) == 404


@pytest.mark.parametrize(
    "path", ["//-/seawall/health", "/x/../-/seawall/health", "/../../etc/passwd", "/%2e%2e/etc/passwd"]
)
def test_strange_paths_are_the_applications_business(site: Site, path: str) -> None:
    """They arrive as they are: nothing between resolves them to something else."""
    assert "REQUEST_METHOD" in echoed(send(site, request(line=f"GET {path} HTTP/1.1")))


def test_the_redirect_to_https_cannot_be_split(site: Site) -> None:
    answer = send(site, request("Connection: close\r\n", line="GET /x%0d%0aSet-Cookie:a=b HTTP/1.1"), tls=False)
    assert status(answer) == 308
    assert b"/x%0d%0aSet-Cookie:a=b\r\n" in answer


async def among(site: Site, attack: Awaitable[Any]) -> Load:
    """Ordinary visitors, from before the attack until after it."""
    visitors = Load(site.https, visitors=6, tls=insecure(), pause=0.02)
    work = asyncio.create_task(visitors.run(600))
    await asyncio.sleep(0.3)
    await attack
    visitors.stop()
    await work
    return visitors


def unharmed(visitors: Load) -> None:
    assert visitors.tally.failed == 0, visitors.tally.failures
    assert visitors.tally.ok > 20
    assert visitors.tally.percentile(0.99) < 2.0


async def drip(site: Site, head: bytes, piece: bytes, seconds: float = 30.0) -> tuple[float, bytes]:
    """Send `piece` again and again, slowly. Seconds until it was cut off, and with which words."""
    began = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", site.https, ssl=insecure(), server_hostname="localhost")
    writer.write(head)
    words = b""
    with contextlib.suppress(ConnectionError):
        while not words and time.monotonic() - began < seconds:
            writer.write(piece)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    words = await reader.read(200)
    writer.close()
    return time.monotonic() - began, words


def test_slow_senders_are_cut_off(site: Site) -> None:
    """Header by header, and body by body; far more of them than there are threads."""
    header = request(line="GET / HTTP/1.1").removesuffix(b"\r\n")
    body = request("Content-Length: 500\r\n")

    async def scenario() -> None:
        attack = asyncio.gather(
            *(drip(site, header, b"X: y\r\n") for _ in range(20)), *(drip(site, body, b"x") for _ in range(20))
        )
        visitors = await among(site, attack)
        for seconds, words in attack.result():
            assert words.startswith(b"HTTP/1.1 408 ")
            assert 8 < seconds < 25
        unharmed(visitors)

    asyncio.run(scenario())


def test_slow_senders_of_long_bodies_take_only_their_share(site: Site) -> None:
    """What does not fit the balancer's buffer holds a server while it is sent: some of them, never all."""
    long = request("Content-Length: 50000\r\n", b"x" * 20000)
    chunked = request(
        "Transfer-Encoding: chunked\r\n",
        b"1000\r\n" + b"x" * 4096 + b"\r\n1000\r\n" + b"x" * 4096 + b"\r\nffff\r\n" + b"x" * 20000,
    )
    wide = request(f"Content-Length: 50000\r\nX: {'a' * 14900}\r\n", b"x" * 1000)

    async def scenario() -> None:
        attack = asyncio.gather(*(drip(site, head, b"x", 4.0) for head in (long, chunked, wide) for _ in range(12)))
        unharmed(await among(site, attack))

    asyncio.run(scenario())
    assert (
        status(send(site, request(f"Content-Length: {len(b'x' * 20000)}\r\nConnection: close\r\n", b"x" * 20000)))
        == 200
    )


IDLE = 10_000


def test_ten_thousand_idle_connections(site: Site) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if before[1] < IDLE + 1000:
        pytest.skip("this user may not open so many files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], IDLE + 1000), before[1]))

    async def connect(number: int) -> list[socket.socket]:
        loop = asyncio.get_running_loop()
        opened = [socket.socket() for _ in range(number)]
        for each in opened:
            each.setblocking(False)
            await loop.sock_connect(each, ("127.0.0.1", site.http))
        return opened

    async def scenario() -> None:
        visitors = Load(site.https, visitors=6, tls=insecure(), pause=0.02)
        groups = await asyncio.gather(*(connect(IDLE // 10) for _ in range(10)))
        try:
            await visitors.run(2.0)
            unharmed(visitors)
            assert site.status()["servers"][0]["state"] == "up"
        finally:
            for group in groups:
                for each in group:
                    each.close()

    try:
        asyncio.run(scenario())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_after_all_that_nothing_has_died(site: Site) -> None:
    """Runs last in this file, on the same site."""
    kinds = {line.split()[1] for line in site.log.read_text().splitlines() if len(line.split()) > 1}
    assert not kinds & {"kill-server", "forget-server", "take-over", "internal-error", "crash-loop"}
