"""Requests that are malformed, ambiguous or forged: refused at the edge, or harmless where they arrive."""

import socket

import pytest

from tests.patience import PATIENCE
from tests.scenarios.raw import echo_site, echoed, request, seen, send, status
from tests.scenarios.site import Site

site = echo_site

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
    with socket.create_connection(("127.0.0.1", site.https), timeout=PATIENCE) as connection:
        connection.sendall(request())
        assert b"200 OK" not in connection.recv(1000)


def test_two_lengths_of_one_body_smuggle_nothing(site: Site) -> None:
    """RFC 9112 section 6.3: Transfer-Encoding overrides Content-Length, and the connection is closed after it."""
    answer = send(site, request("Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", SMUGGLED))
    assert answer.count(b"HTTP/1.1 ") == 1
    assert "GET /smuggled" not in seen(site)


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
    "/%2d/seawall/health?1",
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


def test_after_all_that_nothing_has_died(site: Site) -> None:
    """Runs last in this file, on the same site."""
    kinds = {line.split()[1] for line in site.log.read_text().splitlines() if len(line.split()) > 1}
    assert not kinds & {"kill-server", "forget-server", "take-over", "internal-error", "crash-loop"}
