"""Forking servers from the warm process: when it must not be done, and who may vanish."""

import asyncio
import json
import os
import pickle
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from seawall import process as processes
from seawall.fleet import server, warm
from tests.patience import PATIENCE

from .conftest import Site, ended

HELLO = """
    def app(environ, start_response):
        start_response("200 OK", [])
        return [b"hello"]
"""


@pytest.mark.parametrize(
    ("file", "why"),
    [
        ("import threading, time\n    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()", "thread"),
        ("import socket\n    a, b = socket.socketpair()", "connection"),
        ("import sqlite3\n    db = sqlite3.connect('x.db'); db.execute('create table if not exists t (a)')", "SQLite"),
    ],
    ids=["thread", "socket", "sqlite"],
)
def test_what_cannot_be_forked_is_started_cold(make: Callable[..., Site], file: str, why: str) -> None:
    async def scenario() -> None:
        site = make({"app.py": f"    {file}\n{HELLO}"}, wsgi="app:app")
        report = await site.warmed()
        assert report.ready
        assert not report.can_fork
        assert why in report.why
        # It answers still, but runs nothing of the application's any more.
        assert await warm.status(site.paths, "w1", PATIENCE) == report
        assert len(os.listdir(f"/proc/{site.started[0].pid}/task")) == 1
        await site.cold("s1")
        assert await site.get("s1") == (200, "hello")

    asyncio.run(scenario())


def test_what_the_first_request_spoils_is_forked_without_it(make: Callable[..., Site]) -> None:
    opens = """
        import socket
        kept = []
        def app(environ, start_response):
            kept.append(socket.socketpair())
            start_response("200 OK", [])
            return [str(len(kept)).encode()]
    """

    async def scenario() -> None:
        site = make({"app.py": opens}, wsgi="app:app")
        report = await site.warmed()
        assert report.can_fork
        assert "without" in report.notes[0]
        await site.fork("s1")
        assert await site.get("s1") == (200, "1")

    asyncio.run(scenario())


KEEPS_A_POOL = """
    import socket
    from redis.connection import ConnectionPool
    pool = ConnectionPool()
    def app(environ, start_response):
        pool.open = pool.open or socket.socketpair()
        start_response("200 OK", [])
        return [b"hello"]
"""


def test_a_pool_of_connections_is_emptied_before_the_fork(make: Callable[..., Site]) -> None:
    pool = """
        class ConnectionPool:
            open = None
            def disconnect(self):
                self.open = None
    """

    async def scenario() -> None:
        given = {"app.py": KEEPS_A_POOL, "redis/__init__.py": "", "redis/connection.py": pool}
        report = await make(given, wsgi="app:app").warmed()
        assert report.can_fork
        assert report.notes == ()

    asyncio.run(scenario())


@pytest.mark.parametrize("spare", [2, 3], ids=["not for its sockets", "not for its pidfd"])
def test_nothing_left_to_fork_with(make: Callable[..., Site], spare: int) -> None:
    async def scenario() -> None:
        site = make({"app.py": HELLO}, wsgi="app:app")
        await site.warmed()
        pid = site.started[0].pid
        taken = {int(fd) for fd in os.listdir(f"/proc/{pid}/fd")}
        free = [fd for fd in range(20) if fd not in taken]
        limit = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (free[spare], limit[1]))
        with pytest.raises(OSError, match="could not fork"):
            await site.fork("s1")
        async with asyncio.timeout(10):
            while not {int(fd) for fd in os.listdir(f"/proc/{pid}/fd")} <= taken:
                await asyncio.sleep(0.02)
            while _states(pid):  # zombies
                await asyncio.sleep(0.02)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limit)
        await site.fork("s1")

    asyncio.run(scenario())


def _states(parent: int) -> list[str]:
    """The states (proc(5)) of a process's children."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0] for child in children]


def test_clients_that_vanish_or_talk_nonsense(make: Callable[..., Site]) -> None:
    async def scenario() -> None:
        site = make({"app.py": HELLO}, wsgi="app:app")
        await site.warmed()
        for words in (b"", b'{"ask":"fo', b"nonsense\n", b"[]\n", b"{}\n", b'{"ask":"fork","server":"s1"}\n'):
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(site.paths.warm_socket("w1")))
                client.sendall(words)
        with socket.socket(socket.AF_UNIX) as silent:
            silent.connect(str(site.paths.warm_socket("w1")))
            await site.fork("s1")  # waits for the silent one no longer than its deadline
        assert await site.get("s1") == (200, "hello")
        assert (await warm.status(site.paths, "w1", PATIENCE)).ready

    asyncio.run(scenario())


def test_a_server_holds_nothing_of_the_warm_process(make: Callable[..., Site]) -> None:
    async def scenario() -> None:
        site = make({"app.py": HELLO}, wsgi="app:app")
        await site.warmed()
        one, two = await site.fork("s1"), await site.fork("s2")
        # A dead warm process refuses, a dead server refuses: nobody else holds their sockets.
        os.kill(one.pid, signal.SIGKILL)
        os.kill(site.started[0].pid, signal.SIGKILL)
        await ended(one)
        await ended(site.started[0])
        with pytest.raises(ConnectionRefusedError):
            await server.heartbeat(server.address(site.paths, "s1"), 1)
        with pytest.raises(ConnectionRefusedError):
            await site.fork("s3")
        assert await site.get("s2") == (200, "hello")
        assert two.alive

    asyncio.run(scenario())


def test_terminal_signals_do_not_reach_it_and_a_server_is_our_child(make: Callable[..., Site]) -> None:
    async def scenario() -> None:
        site = make({"app.py": HELLO}, wsgi="app:app")
        await site.warmed()
        for number in (signal.SIGHUP, signal.SIGINT):
            site.started[0].signal(number)
        process = await site.fork("s1")
        assert os.getsid(process.pid) == process.pid
        process.signal(signal.SIGKILL)
        assert await ended(process) == "killed by SIGKILL"

    asyncio.run(scenario())


CONTROL = """
import asyncio, json, os, pickle, sys
from seawall.fleet import server, warm
async def main():
    application, paths = pickle.load(sys.stdin.buffer)
    process = warm.spawn(application, paths, "w1")
    await warm.status(paths, "w1", 10)
    with server.listen(application, paths, "s1") as listener, server.listen_beat(paths, "s1") as beat:
        forked = await warm.fork(paths, "w1", "s1", listener, beat)
    print(json.dumps([process.pid, forked.pid]), flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


def test_all_live_on_when_the_control_plane_dies(make: Callable[..., Site]) -> None:
    async def scenario() -> None:
        site = make({"app.py": HELLO}, wsgi="app:app")
        with subprocess.Popen(
            [sys.executable, "-c", CONTROL], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as control:
            assert control.stdin
            assert control.stdout
            control.stdin.write(pickle.dumps((site.application, site.paths)))
            control.stdin.close()
            pids = json.loads(control.stdout.readline())
            control.kill()
        adopted = [processes.Process.adopt(pid) for pid in pids]
        site.started += [process for process in adopted if process]
        assert len(site.started) == 2
        await asyncio.sleep(1.2)  # gunicorn looks for its parent every second
        assert await site.get("s1") == (200, "hello")
        await site.fork("s2")
        assert await site.get("s2") == (200, "hello")

    asyncio.run(scenario())


def test_a_datagram_socket_is_no_connection(make: Callable[..., Site]) -> None:
    """syslog's and statsd's: nothing is said there that two processes could mix up."""
    opens = (
        "    import socket\n    log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n    a, b = log, socket.socket("
    )
    opens += "socket.AF_INET, socket.SOCK_DGRAM)\n"

    async def scenario() -> None:
        site = make({"app.py": opens + HELLO}, wsgi="app:app")
        report = await site.warmed()
        assert (report.can_fork, report.why) == (True, "")
        await site.fork("s1")
        assert await site.get("s1") == (200, "hello")

    asyncio.run(scenario())
