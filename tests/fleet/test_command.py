"""Any program that listens on a port or a socket, and heartbeats."""

import asyncio
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from seawall.errors import ApplicationFailed
from seawall.fleet import server
from tests.patience import PATIENCE

from .conftest import Site, bound_socket

NODE = """
    const http = require('http');
    http.createServer((request, answer) => answer.end('node ' + process.env.PORT)).listen(process.argv[2]);
"""


def test_a_file_server_on_a_port(make: Callable[..., Site]) -> None:
    async def scenario() -> None:
        command = "/usr/bin/env python3 -m http.server {port} --bind 127.0.0.1"
        site = make({"index.html": "files"}, command=command)
        address = await site.cold("s1")
        assert address.startswith("127.0.0.1:")
        assert await server.heartbeat(address, 2) > 0
        assert await server.heartbeat(await site.cold("s2"), 2) > 0

    asyncio.run(scenario())


@pytest.mark.skipif(shutil.which("node") is None, reason="no node")
def test_node_on_a_socket(make: Callable[..., Site]) -> None:
    async def scenario() -> None:
        site = make({"app.js": NODE}, command="node app.js {socket}")
        address = await site.cold("s1")
        assert address == f"unix@{site.paths.offered / 's1.sock'}"
        assert server.take(site.paths, "s1", address) == f"unix@{site.paths.server_socket('s1')}"
        status, body = await site.get("s1")
        assert status == 200
        assert body.startswith("node 2")

    asyncio.run(scenario())


def test_the_whole_group_can_be_ended(make: Callable[..., Site]) -> None:
    async def scenario() -> None:
        script = "import subprocess, sys; subprocess.run([sys.executable, '-m', 'http.server', sys.argv[1]])"
        site = make({"run.py": script}, command="python3 run.py {port}")
        address = await site.cold("s1")
        os.killpg(site.started[0].pid, signal.SIGKILL)
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    await server.heartbeat(address, 1)
                except ConnectionRefusedError:
                    break
                except OSError:
                    await asyncio.sleep(0.01)

    asyncio.run(scenario())


def test_a_program_that_is_not_there(make: Callable[..., Site]) -> None:
    site = make({"x": ""}, command="no-such-program {port}")
    with pytest.raises(ApplicationFailed, match="no-such-program"):
        server.spawn_cold(site.application, site.paths, "s1")


def test_heartbeat_wants_http(tmp_path: Path) -> None:
    async def scenario() -> None:
        listener = bound_socket(tmp_path / "x.sock")
        with listener, pytest.raises(TimeoutError):
            await server.heartbeat(f"unix@{listener.getsockname()}", 0.05)

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"220 mail.example.org ESMTP\r\n")
            await reader.read()
            writer.close()

        async with await asyncio.start_server(talk, "127.0.0.1", 0) as mail:
            with pytest.raises(ConnectionError):
                await server.heartbeat(f"127.0.0.1:{mail.sockets[0].getsockname()[1]}", 1)

    asyncio.run(scenario())


def test_what_a_command_offers_is_taken_only_if_it_is_a_socket(make: Callable[..., Site], tmp_path: Path) -> None:
    """A link would lead balancers to the servers of another site."""
    site = make({"server.py": ""}, command="true {socket}")
    other = bound_socket(tmp_path / "another.sock")
    offered = site.paths.offered / "s1.sock"
    offered.symlink_to(tmp_path / "another.sock")
    with pytest.raises(OSError, match="no socket"):
        server.take(site.paths, "s1", f"unix@{offered}")
    other.close()
    site.paths.server_socket("s1").unlink()
    bound_socket(offered).close()
    assert server.take(site.paths, "s1", f"unix@{offered}") == f"unix@{site.paths.server_socket('s1')}"
    assert server.take(site.paths, "s1", "127.0.0.1:80") == "127.0.0.1:80"
