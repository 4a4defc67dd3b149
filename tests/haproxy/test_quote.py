"""Folders with any name: in the configuration and in commands."""

import asyncio
import shutil
import signal
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from seawall.haproxy import process, quote
from seawall.haproxy.refuse import commands
from seawall.haproxy.render import added_server
from seawall.lost import Refused
from seawall.process import Process
from tests.client import Load, insecure
from tests.haproxy.site import Site, make, until
from tests.haproxy.test_requests import ask

NAMES = ["a b", "a#b", "it's", 'a"b', "$HOME", "${HOME}", "a\\b", "a\\nb", "für-日本", "a,b;c", "a%b(c)", "~"]


@pytest.fixture(params=NAMES)
def site(request: pytest.FixtureRequest, certificate: Path) -> Iterator[Site]:
    folder = Path(tempfile.mkdtemp(prefix="sw", dir="/tmp"))
    inside = folder / request.param
    inside.mkdir()
    own = shutil.copy(certificate, inside / "certificate.pem")
    site = make(inside, Path(own), hop=True)
    yield site
    site.close()
    shutil.rmtree(folder)


def test_a_site_in_a_folder_of_any_name(site: Site) -> None:
    async def main() -> None:
        runtime = await site.balancer("a", site.upstream("s1"))
        for scheme, method in (("http", "GET"), ("https", "POST")):
            assert (await ask(site, "/?id=1", scheme, method)).status == 200
        [server] = site.upstream("s2")
        added = f"add server app_least-connections/s2 {added_server(site.edge, server)}"
        assert (await runtime.ask(added)).strip() == "New server registered."
        await runtime.ask("enable health app_least-connections/s2")
        await site.step("enable", "s2", "least-connections")
        site.upstreams["s1"].kill()
        load = Load(site.ports["https"], visitors=2, tls=insecure())
        assert (await load.run(0.3)).failures == []
        assert load.tally.bodies[b"s2"] > 0
        for command in commands(Refused(frozenset({"127.0.0.1 /a"}))):
            await runtime.ask(command)
        assert (await ask(site, "/a")).status == 503

    asyncio.run(main())


def test_why_a_balancer_did_not_start_is_said_once_and_kept(tmp_path: Path, certificate: Path) -> None:
    site = make(tmp_path, Path("/nowhere.pem"))

    def spawn() -> Process:
        return process.spawn(site.edge, "a", site.paths, site.listeners.sockets("a"), [], "random")

    async def ended(balancer: Process) -> bool:
        return not balancer.alive

    async def main() -> None:
        for _ in range(2):
            started = spawn()
            await until(partial(ended, started))
            started.close()
            words = process.why_not(site.paths, "a")
            assert "[ALERT]" in words
            assert words.count("/nowhere.pem") == 1
            assert "[NOTICE]" not in words
        log = process.log(site.paths, "a")
        assert log.read_text().count(process.MARK) == 2
        assert log.stat().st_mode & 0o777 == 0o600

    try:
        asyncio.run(main())
    finally:
        site.close()


def test_a_balancer_that_said_nothing(tmp_path: Path, certificate: Path) -> None:
    site = make(tmp_path, certificate)
    assert "nothing" in process.why_not(site.paths, "a")
    started = process.spawn(site.edge, "a", site.paths, site.listeners.sockets("a"), [], "random")
    started.signal(signal.SIGKILL)
    assert process.why_not(site.paths, "a")
    site.balancers["a"] = started
    site.close()


def test_words() -> None:
    assert quote.word("""a b#c"d'e\\f$g""") == """a\\ b\\#c\\"d\\'e\\\\f$g"""
    assert quote.argument("a;b c\\") == "a\\;b\\ c\\\\"
