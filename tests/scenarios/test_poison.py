"""A page that ends its server's process: it ends two servers, nobody else notices, and what did it is known."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from seawall.haproxy.deaths import COMMAND, Losses
from seawall.haproxy.socket import RuntimeSocket
from seawall.lost import RequestDeath
from tests.client import Answer, Connection, Load, insecure
from tests.scenarios.site import Site, running

WSGI = """
import os, time
def application(environ, start_response):
    if environ["PATH_INFO"] == "/crash":
        os._exit(3)
    time.sleep(0.02)
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""

ASGI = """
import asyncio, os
async def application(scope, receive, send):
    if scope["type"] != "http":
        return
    if scope["path"] == "/crash":
        os._exit(3)
    await asyncio.sleep(0.02)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})
"""

NODE = """
require("http").createServer((request, answer) => {
  if (request.url.startsWith("/crash")) process.exit(3);
  setTimeout(() => answer.end("ok"), 20);
}).listen(process.argv[2]);
"""

KINDS = {
    "wsgi": ("app.py", WSGI, 'wsgi = "app:application"'),
    "asgi": ("app.py", ASGI, 'asgi = "app:application"'),
    "command": ("app.js", NODE, 'command = "node app.js {port}"'),
}


@pytest.fixture(params=KINDS)
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    file, text, setting = KINDS[request.param]
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / file).write_text(text)
    return Site(folder, f"{setting}\n[servers]\nmin = 5\n")


async def refused(site: Site, path: str) -> Answer:
    connection = Connection("127.0.0.1", site.https, insecure())
    answer = await connection.request("GET", path)
    connection.close()
    return answer


async def deaths(site: Site) -> list[RequestDeath]:
    losses = Losses(first_is_news=True)
    alive = set(site.servers())
    return [
        death
        for balancer in ("a", "b")
        for death in losses.new(
            balancer, await RuntimeSocket(site.paths.balancer_socket(balancer)).ask(COMMAND), alive
        )[0]
    ]


def test_two_servers_and_nobody_else(site: Site) -> None:
    async def scenario() -> None:
        others = Load(site.https, visitors=8, tls=insecure(), pause=0.05)
        work = asyncio.create_task(others.run(600))
        await asyncio.sleep(0.5)
        poison = Connection("127.0.0.1", site.https, insecure())
        assert (await poison.request("GET", "/")).status == 200
        answer = await poison.request("GET", "/crash?1")
        assert answer.status == 502
        assert b"did not arrive whole" in answer.body
        poison.close()
        await asyncio.to_thread(site.recovered, 30.0)
        others.stop()
        await work
        assert others.tally.failures == []
        # Of a command's requests one that was in both servers is lost with its connection, as browsers try again.
        assert others.tally.retried <= (2 if "command" in (site.folder / "seawall.toml").read_text() else 0)
        after = site.servers()
        # The second may be the one that has just come in the place of the first.
        started = [f"s{number}" for number in range(1, max(int(name[1:]) for name in after) + 1)]
        ended = sorted(name for name in started if name not in after)
        assert len(ended) == 2
        [death] = await deaths(site)
        assert (death.method, death.target) == ("GET", "/crash?1")
        assert set(death.servers) <= set(ended)
        events = await asyncio.to_thread(site.run, "events", "-n", "200")
        assert "GET /crash?1 ended two servers" in events.stdout
        again = await refused(site, "/crash?1")
        assert again.status == 503
        assert again.header("retry-after")
        assert (await refused(site, "/")).status == 200
        assert set(site.servers()) == set(after)

    with running(site):
        asyncio.run(scenario())


def test_servers_killed_at_once_prove_nothing(site: Site) -> None:
    """Whoever was in them is answered by the others, or by the next ones."""

    async def scenario() -> None:
        others = Load(site.https, visitors=12, tls=insecure(), pause=0.02, timeout=20.0)
        work = asyncio.create_task(others.run(600))
        await asyncio.sleep(0.5)
        for pid in site.servers().values():
            os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(0.5)
        await asyncio.to_thread(site.recovered, 30.0)
        others.stop()
        await work
        assert others.tally.failures == []
        assert await deaths(site) == []

    with running(site):
        asyncio.run(scenario())
