"""Requests that end their servers: how many they end, what is told of it, and how they are refused."""

import asyncio
import time

import pytest

from seawall.haproxy.deaths import COMMAND, PATIENCE, Losses
from seawall.haproxy.refuse import commands
from seawall.haproxy.render import LOG_FORMAT
from seawall.haproxy.socket import RuntimeSocket
from seawall.lost import BadAnswer, Refused, RequestDeath, path_of
from tests.client import Connection, Load, insecure
from tests.haproxy.conftest import MakeSite
from tests.haproxy.site import Site, until
from tests.haproxy.test_requests import ask

SERVERS = ("s1", "s2", "s3", "s4", "s5")


def dead(site: Site) -> list[str]:
    return [name for name, process in site.upstreams.items() if process.poll() is not None]


async def told(site: Site, runtime: RuntimeSocket) -> tuple[list[RequestDeath], list[BadAnswer]]:
    return Losses(first_is_news=True).new("a", await runtime.ask(COMMAND), set(site.upstreams) - set(dead(site)))


@pytest.mark.parametrize("protocol", ["--http1.1", "--http2"])
def test_a_request_ends_two_servers_and_is_named(make_site: MakeSite, protocol: str) -> None:
    site = make_site(hop=True)

    async def main() -> None:
        runtime = await site.balancer("a", site.upstream(*SERVERS))
        load = asyncio.create_task(Load(site.ports["http"], path="/?ms=20", visitors=6).run(1.5))
        await asyncio.sleep(0.3)
        # The second request of a connection: a browser repeats that one by itself if it gets no answer at all.
        url = f"https://127.0.0.1:{site.ports['https']}/"
        common = ("-s", "-k", protocol, "-o", "/dev/null", "-w", "%{http_code} ")
        curl = await asyncio.create_subprocess_exec(
            "curl", *common, url, "--next", *common, f"{url}?crash=a;b\"'\\%20#", stdout=asyncio.subprocess.PIPE
        )
        assert (await curl.communicate())[0].split() == [b"200", b"502"]
        tally = await load
        # Who was beside it both times is lost with it, or asked by HAProxy to ask once more: docs/weaknesses.md.
        assert set(tally.failures) <= {"GET /?ms=20: 502"}
        assert len(tally.failures) + tally.retried <= 2
        assert len(dead(site)) == 2
        [death], bad = await told(site, runtime)
        assert (death.method, death.target) == ("GET", "/?crash=a;b\"'\\%20")
        assert set(death.servers) < set(dead(site))
        assert bad == []

    asyncio.run(main())


def test_killed_servers_lose_no_get_behind_the_hop(make_site: MakeSite) -> None:
    site = make_site(hop=True)

    async def main() -> None:
        runtime = await site.balancer("a", site.upstream(*SERVERS))
        load = asyncio.create_task(Load(site.ports["http"], path="/?ms=20").run(1.0))
        await asyncio.sleep(0.3)
        for name in SERVERS[:3]:
            site.upstreams[name].kill()
        tally = await load
        assert (tally.failures, tally.retried) == ([], 0)
        assert await told(site, runtime) == ([], [])

    asyncio.run(main())


def test_a_server_that_only_closes_the_connection_has_not_died(make_site: MakeSite) -> None:
    site = make_site(hop=True)

    async def main() -> None:
        runtime = await site.balancer("a", site.upstream("s1", "s2"))
        assert (await ask(site, "/?close=1")).status == 502
        assert await told(site, runtime) == ([], [])
        losses = Losses(first_is_news=True)
        assert losses.new("a", await runtime.ask(COMMAND), SERVERS) == ([], [])
        # The end of a process may be seen a moment later than the request's.
        [death], _ = losses.new("a", await runtime.ask(COMMAND), ())
        assert death.target == "/?close=1"
        assert losses.new("a", await runtime.ask(COMMAND), ()) == ([], [])

    asyncio.run(main())


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_headers_that_are_too_long_are_told(site: Site, method: str) -> None:
    async def main() -> None:
        runtime = await site.balancer("a", site.upstream("s1"))
        assert (await ask(site, "/?header=9000&id=1", method=method)).status == 200
        assert (await ask(site, "/?header=30000&id=1", method=method)).status == 502
        [], [bad] = await told(site, runtime)
        assert (bad.method, bad.target, bad.server) == (method, "/?header=30000&id=1", "s1")

    asyncio.run(main())


def test_only_losses_are_noted(site: Site) -> None:
    """Not what the application answers, nor what is refused, nor who goes away."""

    async def main() -> None:
        runtime = await site.balancer("a", site.upstream("s1", "s2"))
        for path in ("/", "/?status=500", "/?status=502", "/-/seawall/x"):
            await ask(site, path)
            await ask(site, path, "https", "POST")
        site.upstreams["s1"].kill()
        assert (await Load(site.ports["http"], visitors=2).run(0.2)).failures == []
        assert await told(site, runtime) == ([], [])

    asyncio.run(main())


def test_a_server_that_refuses_to_begin(site: Site) -> None:
    """What Seawall's own servers do: the answer names those that died, the visitor sees the usual page."""

    async def main() -> None:
        runtime = await site.balancer("a", site.upstream("s9"))
        answer = await ask(site, "/?status=502&ended=s3,s4")
        assert (answer.status, answer.header("x-seawall-ended")) == (502, None)
        assert b"did not arrive whole" in answer.body
        [death], _ = await told(site, runtime)
        assert (death.method, death.target, death.servers) == ("GET", "/?status=502&ended=s3,s4", ("s3", "s4"))

    asyncio.run(main())


def test_each_request_has_its_number(site: Site) -> None:
    async def main() -> None:
        await site.balancer("a", site.upstream("s1"))
        numbers = set()
        for scheme in ("http", "https"):
            connection = Connection("127.0.0.1", site.ports[scheme], insecure() if scheme == "https" else None)
            for method in ("GET", "GET", "POST"):
                answer = await connection.request(method, "/headers?id=1", headers="X-Request-ID: mine\r\n")
                numbers |= {line for line in answer.body.decode().lower().split("\r\n") if "request-id" in line}
            connection.close()
        assert len(numbers) == 6
        assert not any("mine" in number for number in numbers)

    asyncio.run(main())


def test_lines_that_are_none() -> None:
    words = LOG_FORMAT.split()
    assert len(words) == 9
    now = int(time.time())
    answer = f"\nnonsense\n{now} 1-2-3 http SH 502\n{now} 1 hop SH-- 502 s1 - <BADREQ>\n"
    assert Losses(first_is_news=True).new("a", answer, ()) == ([], [])


LINE = "{at} {number}-10.0.0.1 https~ LH-- 502 s3 s1,s2 GET https://a.example/x?y=1"


def test_old_news_is_not_told_whatever_the_clock_says() -> None:
    losses = Losses()
    old, new = LINE.format(at=99, number="1"), LINE.format(at=50, number="2")
    assert losses.new("a", old, ()) == ([], [])
    [death], _ = losses.new("a", f"{old}\n{new}", ())
    assert death == RequestDeath("2-10.0.0.1", "GET", "/x?y=1", ("s1", "s2"))
    assert death.visitor == "10.0.0.1"
    assert losses.new("a", f"{old}\n{new}", ()) == ([], [])
    later = LINE.format(at=1, number="3")
    assert [death.number for death in losses.new("a", f"{new}\n{later}", ())[0]] == ["3-10.0.0.1"]
    assert losses.new("b", later, ()) == ([], [])
    losses.begin("a")
    assert losses.new("a", LINE.format(at=2, number="4"), ()) == ([], [])


def test_a_death_is_told_when_its_servers_are_seen_to_have_ended_or_not_at_all() -> None:
    losses = Losses(first_is_news=True)
    line = LINE.format(at=1, number="1")
    assert losses.new("a", line, ("s1", "s9")) == ([], [])
    assert len(losses.new("a", line, ("s9",))[0]) == 1
    assert losses.new("a", line, ()) == ([], [])
    lives = Losses(first_is_news=True)
    for _ in range(PATIENCE + 1):
        assert lives.new("a", line, ("s1",)) == ([], [])
    assert lives.new("a", line, ()) == ([], [])


STRANGE = ["/a", "/a?b", "/a?b;c", "/a?\"'\\\\", "/%C3%BC%20x?1", "/a?show%20stat;disable", "/?%ff"]
STRANGE += ["/%09t?1", "/%C2%A0x?1"]


@pytest.mark.parametrize("target", STRANGE)
def test_exactly_this_is_refused(site: Site, target: str) -> None:
    async def main() -> None:
        runtime = await site.balancer("a", site.upstream("s1"))
        for command in commands(Refused(frozenset({f"127.0.0.1 {target}"}))):
            assert (await runtime.ask(command)).strip() == "", command
        answer = await ask(site, target, "https")
        assert (answer.status, answer.header("retry-after")) == (503, "10")
        assert (await ask(site, target, method="HEAD")).status == 503
        for other in ("/", f"{target}x", f"/x{target}", f"{target.partition('?')[0]}?other"):
            assert (await ask(site, other)).status == 200, other
        if "?" in target:
            assert (await ask(site, target.partition("?")[0])).status == 200
        assert (await ask(site, f"{target}{'&' if '?' in target else '?'}id=1", method="POST")).status == 200
        for command in commands(Refused()):
            await runtime.ask(command)
        assert (await ask(site, target)).status == 200

    asyncio.run(main())


@pytest.mark.parametrize("target", STRANGE)
def test_a_whole_path_is_refused_however_it_is_written(site: Site, target: str) -> None:
    async def main() -> None:
        runtime = await site.balancer("a", site.upstream("s1"))
        for command in commands(Refused(paths=frozenset({f"127.0.0.1 {path_of(target)}"}))):
            assert (await runtime.ask(command)).strip() == "", command
        path = target.partition("?")[0]
        for written in (path, f"{path}?any", path.replace("a", "%61")):
            assert (await ask(site, written)).status == 503
        assert (await ask(site, f"{path}x")).status == 200

    asyncio.run(main())


def test_only_who_sent_it_is_refused(site: Site) -> None:
    """Whatever else was in the request may be the cause, and everybody wants the front page."""

    async def main() -> None:
        runtime = await site.balancer("a", site.upstream("s1"))
        for command in commands(Refused(frozenset({"127.0.0.2 /"}), frozenset({"127.0.0.3 /"}))):
            assert (await runtime.ask(command)).strip() == "", command
        assert (await ask(site, "/")).status == 200

    asyncio.run(main())


def test_a_long_target_is_named_whole_and_refused_by_its_path(site: Site) -> None:
    async def main() -> None:
        runtime = await site.balancer("a", site.upstream("s9"))
        target = f"/x?status=502&ended=s3,s4&long={'q' * 8000}"
        assert (await ask(site, target)).status == 502
        [death], _ = await told(site, runtime)
        assert death.target == target
        for command in commands(Refused(frozenset({f"{death.visitor} {death.target}"}))):
            assert (await runtime.ask(command)).strip() == "", command
        assert (await ask(site, target)).status == 503

    asyncio.run(main())


def test_what_no_command_can_say_is_left_out() -> None:
    for path in ("/a\nclear map refused.map", "/a\0b", "/\udcff"):
        assert commands(Refused(paths=frozenset({f"::1 {path}"}))) == ["clear map refused.map"]


def test_a_new_balancer_refuses_nothing(site: Site) -> None:
    async def main() -> None:
        runtime = await site.balancer("a", site.upstream("s1"))
        for command in commands(Refused(frozenset({"127.0.0.1 /a"}))):
            await runtime.ask(command)
        site.balancers["a"].signal(9)
        site.balancers["a"].close()
        await site.balancer("a", [site.address("s1")])
        assert (await ask(site, "/a")).status == 200

    asyncio.run(main())


def test_questioners_who_say_nothing_do_not_keep_us_out(site: Site) -> None:
    async def main() -> None:
        runtime = await site.balancer("a", [])
        idle = [await asyncio.open_unix_connection(runtime.path) for _ in range(30)]

        async def answers() -> bool:
            return await runtime.heartbeat(1.0)

        await until(answers, 3.0)
        for _, writer in idle:
            writer.close()

    asyncio.run(main())
