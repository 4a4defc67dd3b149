"""What becomes of a request on its way through the edge."""

import asyncio
import ssl
import time

import pytest

from seawall.haproxy.socket import milliseconds
from tests.client import Answer, Connection, insecure, read_answer
from tests.haproxy.conftest import MakeSite
from tests.haproxy.site import Site


async def ask(site: Site, path: str, scheme: str = "http", method: str = "GET", headers: str = "") -> Answer:
    connection = Connection("127.0.0.1", site.ports[scheme], insecure() if scheme == "https" else None)
    answer = await connection.request(method, path, headers=headers)
    connection.close()
    return answer


async def send(site: Site, raw: bytes) -> int:
    """The status of the answer to bytes that no client would send."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.ports["http"])
    writer.write(raw)
    answer = await read_answer(reader)
    writer.close()
    return answer.status


FORGED = "".join(
    f"{name}: forged\r\n"
    for name in ("X-Forwarded-For", "x-forwarded-for", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port",
                 "X-Forwarded-Prefix", "X-Forwarded-User", "Forwarded", "X-Real-IP", "Proxy")
)  # fmt: skip


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_headers_are_ours(site: Site, scheme: str, method: str) -> None:
    async def main() -> None:
        await site.balancer("a", site.upstream("s1"))
        answer = await ask(site, "/headers?id=1", scheme, method, FORGED)
        seen = answer.body.decode().lower().split("\r\n")
        assert sorted(line for line in seen if "forward" in line or "real-ip" in line or "proxy" in line) == [
            "x-forwarded-for: 127.0.0.1",
            f"x-forwarded-proto: {scheme}",
        ]
        assert "host: localhost" in seen
        assert answer.header("server") is None

    asyncio.run(main())


def test_each_forged_header_is_found(site: Site) -> None:
    """Alone and among others: all names are looked at together first, and what was found is remembered."""
    names = ("X-Forwarded-Proto", "x_forwarded_for", "X-FORWARDED-USER", "Forwarded", "X-Real-IP", "x_real_ip", "Proxy")
    ordinary = ("Accept: */*", "X-Requested-With: XMLHttpRequest", "Proxy-Hint: 1", "X-Forward: 1", "Not-Forwarded: 1")

    async def main() -> None:
        await site.balancer("a", site.upstream("s1"))
        for name in names * 2:
            for headers in ([f"{name}: forged"], [*ordinary, f"{name}: forged"], [f"{name}: forged", *ordinary]):
                answer = await ask(site, "/headers", headers="".join(f"{line}\r\n" for line in headers))
                assert b"forged" not in answer.body, headers
                kept = answer.body.decode().lower()
                assert all(line.lower() in kept for line in headers if "forged" not in line)

    asyncio.run(main())


@pytest.mark.parametrize("visitor", ["127.0.0.1", "::1"])
def test_address_of_the_visitor_to_a_listener_for_both(make_site: MakeSite, visitor: str) -> None:
    site = make_site("::")

    async def main() -> None:
        await site.balancer("a", site.upstream("s1"))
        connection = Connection(visitor, site.ports["http"], None)
        answer = await connection.request("GET", "/headers")
        connection.close()
        assert f"x-forwarded-for: {visitor}\r\n".encode() in answer.body

    asyncio.run(main())


def test_malformed_requests_stay_outside(site: Site) -> None:
    async def main() -> None:
        runtime = await site.balancer("a", site.upstream("s1"))
        for raw in (
            b"GET / HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.0\r\n\r\n",
            b"GET / HTTP/3.7\r\nHost: x\r\n\r\n",
            b"CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n",
            b"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\nBad Name: x\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 20000 + b"\r\n\r\n",
        ):
            assert await send(site, raw) == 400, raw[:60]
        assert (await runtime.traffic()).servers == {"s1": 0}
        assert await send(site, b"GET / HTTP/1.0\r\nHost: x\r\n\r\n") == 200

    asyncio.run(main())


def test_heartbeats_are_not_for_visitors(site: Site) -> None:
    async def main() -> None:
        runtime = await site.balancer("a", site.upstream("s1"))
        for path in (
            "/-/seawall/health",
            "/-/seawall/health?x",
            "/%2d/seawall/h%65alth",
            "http://localhost/-/seawall/health",
        ):
            assert (await ask(site, path)).status == 404
        assert (await runtime.traffic()).servers == {"s1": 0}

    asyncio.run(main())


def test_redirect(make_site: MakeSite) -> None:
    site = make_site(redirect=True)

    async def main() -> None:
        await site.balancer("a", [])
        port = site.ports["https"]
        for host, target in (
            ("a.example", f"a.example:{port}"),
            ("a.example:80", f"a.example:{port}"),
            ("[::1]:8000", f"[::1]:{port}"),
            ("[::1]", f"[::1]:{port}"),
        ):
            answer = await ask(site, "/x/y?z=1&z=%202", headers=f"Host: {host}\r\n", method="POST")
            assert (answer.status, answer.header("location")) == (308, f"https://{target}/x/y?z=1&z=%202")

    asyncio.run(main())


def test_usual_port_is_not_named(make_site: MakeSite) -> None:
    site = make_site(redirect=True, https_port=443)

    async def main() -> None:
        await site.balancer("a", [])
        answer = await ask(site, "/", headers="Host: a.example:8000\r\n")
        assert answer.header("location") == "https://a.example/"

    asyncio.run(main())


@pytest.mark.filterwarnings("ignore:.*TLSv1_1 is deprecated")
def test_http2_and_tls_versions(site: Site) -> None:
    async def main() -> None:
        await site.balancer("a", site.upstream("s1"))
        context = insecure()
        context.set_alpn_protocols(["h2", "http/1.1"])
        _, writer = await asyncio.open_connection("127.0.0.1", site.ports["https"], ssl=context)
        assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
        writer.close()
        old = insecure()
        old.set_ciphers("ALL:@SECLEVEL=0")
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection("127.0.0.1", site.ports["https"], ssl=old)

    asyncio.run(main())


def test_error_page(make_site: MakeSite) -> None:
    site = make_site(queue_timeout=1.0)

    async def main() -> None:
        await site.balancer("a", [])
        began = time.monotonic()
        answer = await ask(site, "/")
        assert time.monotonic() - began >= 0.8, "it did not wait for a server"
        assert answer.status == 503
        assert answer.header("retry-after") == "5"
        assert answer.header("cache-control") == "no-store"
        assert answer.header("content-type") == "text/html; charset=utf-8"
        assert b"reload" in answer.body

    asyncio.run(main())


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_requests_wait_for_the_first_server(site: Site, method: str) -> None:
    async def main() -> None:
        await site.balancer("a", [])
        asked = [asyncio.create_task(ask(site, f"/?id={n}", method=method)) for n in range(20)]
        await asyncio.sleep(0.5)
        assert not any(task.done() for task in asked)
        [server] = site.upstream("s1")
        await site.step("add", server.name, "least-connections")
        await site.step("enable", server.name, "least-connections")
        assert [(answer.status, answer.body) for answer in await asyncio.gather(*asked)] == [(200, b"s1")] * 20
        assert all(name == "s1" for name, _ in await site.runtime("a").latencies())
        assert [route.server for route in (await site.runtime("a").word()).routes] == ["s1"]

    asyncio.run(main())


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_sticky(make_site: MakeSite, scheme: str) -> None:
    site = make_site(sticky=True)

    async def main() -> None:
        await site.balancer("a", site.upstream("s1", "s2"), "round-robin")
        first = await ask(site, "/", scheme)
        server = first.body.decode()
        flags = "Path=/; HttpOnly; SameSite=Lax" + ("; Secure" if scheme == "https" else "")
        assert first.all("set-cookie") == [f"seawall={server}; {flags}"]

        async def again(method: str = "GET") -> Answer:
            return await ask(site, "/?id=1", scheme, method, f"Cookie: a=b; seawall={server}\r\n")

        for method in ("GET", "POST", "GET"):
            answer = await again(method)
            assert (answer.body.decode(), answer.all("set-cookie")) == (server, [])
        await site.step("drain", server, "round-robin")
        assert (await again()).body.decode() == server
        await site.step("maint", server, "round-robin")
        moved = await again("POST")
        assert moved.body.decode() != server
        assert moved.all("set-cookie") == [f"seawall={moved.body.decode()}; {flags}"]

    asyncio.run(main())


def test_slow_senders_do_not_keep_a_server_busy(make_site: MakeSite) -> None:
    site = make_site(concurrency=1)

    async def main() -> None:
        await site.balancer("a", site.upstream("s1"))
        slow = []
        for _ in range(5):
            _, writer = await asyncio.open_connection("127.0.0.1", site.ports["http"])
            writer.write(b"POST /?id=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nbegin")
            slow.append(writer)
        await asyncio.sleep(0.1)
        assert (await ask(site, "/")).status == 200
        assert not site.journal.exists()
        for writer in slow:
            writer.close()

    asyncio.run(main())


def test_large_bodies_pass(site: Site) -> None:
    async def main() -> None:
        await site.balancer("a", site.upstream("s1"))
        body = b"x" * 3_000_000
        connection = Connection("127.0.0.1", site.ports["https"], insecure())
        answer = await connection.request("POST", "/headers?id=1", body)
        assert answer.body.endswith(body)
        connection.close()

    asyncio.run(main())


def test_latencies_and_traffic(site: Site) -> None:
    async def main() -> None:
        runtime = await site.balancer("a", site.upstream("s1"))
        took = []
        for wait in (0, 130, 1050):
            began = time.monotonic()
            await ask(site, f"/?ms={wait}")
            took.append(1000 * (time.monotonic() - began))
        seen = await runtime.latencies()
        assert {server for server, _ in seen} == {"s1"}
        told = sorted(ms for (_, ms), count in seen.items() for _ in range(count))
        for least, ms, most in zip((0, 120, 1000), told, sorted(took), strict=True):  # a step of the histogram below
            assert least <= ms <= most
        await ask(site, "/?id=1", method="POST")
        await ask(site, "/?status=500")
        assert sum((await runtime.latencies()).values()) == 5
        traffic = await runtime.traffic()
        assert (traffic.requests, traffic.servers) == (5, {"s1": 5})
        assert (traffic.responses["2xx"], traffic.responses["5xx"]) == (4, 1)
        assert (traffic.active, traffic.queued) == (0, 0)

    asyncio.run(main())


def test_latency_steps_are_in_order() -> None:
    """The template's arithmetic, turned back."""
    assert [milliseconds(step) for step in (0, 99, 100, 189, 190, 191)] == [0, 99, 100, 990, 1000, 1100]
