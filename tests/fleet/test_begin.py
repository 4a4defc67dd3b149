"""A forked server serves once it is on record, and not a moment before; whatever happens until then ends it."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from seawall.fleet import server, warm
from seawall.process import Process, start_time

from .conftest import Site, ended

HELLO = """
    def app(environ, start_response):
        start_response("200 OK", [])
        return [b"hello"]
"""
ASGI = """
    async def app(scope, receive, send):
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"hello"})
"""


def named(name: str, site: Site) -> list[int]:
    """Processes of the site that call themselves by the name of a server."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and (entry / "comm").read_text().strip() == f"seawall {name}":
                found += [int(entry.name)] if (entry / "cwd").readlink() == site.application.folder else []
    return found


async def gone(name: str, site: Site) -> None:
    async with asyncio.timeout(10):
        while named(name, site):
            await asyncio.sleep(0.02)


def question(site: Site, name: str, version: int = warm.VERSION) -> socket.socket:
    """A fork that has been asked for, on a connection that is still open."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(site.paths.warm_socket("w1")))
    asked = {"version": version, "ask": "serve", "server": name}
    with server.listen(site.application, site.paths, name) as listener:
        socket.send_fds(connection, [json.dumps(asked).encode() + b"\n"], [listener.fileno()])
    return connection


def test_a_control_plane_of_another_release_is_told_so_and_gets_no_server(make: Callable[..., Site]) -> None:
    async def scenario() -> None:
        site = make({"app.py": HELLO}, wsgi="app:app")
        await site.warmed()
        with question(site, "s1", warm.VERSION + 1) as connection:
            answer = json.loads(await asyncio.to_thread(connection.recv, 4096))
        assert (answer["version"], "pid" in answer) == (warm.VERSION, False)
        assert f"version {warm.VERSION}" in answer["error"]
        assert named("s1", site) == []

    asyncio.run(scenario())


def test_who_asked_dies_before_the_answer(make: Callable[..., Site]) -> None:
    async def scenario() -> None:
        site = make({"app.py": HELLO}, wsgi="app:app")
        await site.warmed()
        for number in range(5):
            question(site, f"s{number}").close()
            await asyncio.sleep(0.02 * number)
        for number in range(5):
            await gone(f"s{number}", site)
        await site.fork("s9")

    asyncio.run(scenario())


def test_who_asked_dies_with_the_answer_and_does_not_confirm(make: Callable[..., Site]) -> None:
    async def scenario() -> None:
        site = make({"app.py": HELLO}, wsgi="app:app")
        await site.warmed()
        connection = question(site, "s1")
        pid = json.loads(await asyncio.to_thread(connection.recv, 4096))["pid"]
        assert named("s1", site) == [pid]
        # It does not serve until then: what connects is not answered.
        with pytest.raises(TimeoutError):
            await server.heartbeat(server.address(site.paths, "s1"), 0.3)
        # Nor does it need the warm process any more to find out.
        site.started[0].signal(signal.SIGKILL)
        await ended(site.started[0])
        assert named("s1", site) == [pid]
        connection.close()
        await gone("s1", site)

    asyncio.run(scenario())


def test_what_cannot_be_recorded_ends(make: Callable[..., Site]) -> None:
    def fail(process: Process) -> None:
        raise OSError("the disk is full")

    async def scenario() -> None:
        site = make({"app.py": HELLO}, wsgi="app:app")
        await site.warmed()
        with server.listen(site.application, site.paths, "s1") as listener:
            open_before = len(os.listdir("/proc/self/fd"))
            with pytest.raises(OSError, match="the disk is full"):
                await warm.fork(site.paths, "w1", "s1", listener, recorded=fail)
            assert len(os.listdir("/proc/self/fd")) == open_before
        await gone("s1", site)

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", ["wsgi", "asgi"])
def test_told_to_stop_at_any_moment_of_its_beginning(make: Callable[..., Site], kind: str) -> None:
    async def scenario() -> None:
        site = make({"app.py": HELLO if kind == "wsgi" else ASGI}, **{kind: "app:app"})
        await site.warmed()
        for step in range(24):
            name = f"s{step}"
            with server.listen(site.application, site.paths, name) as listener:
                # The first while it waits to be confirmed, the others ever later in its life.
                early = [lambda process: process.signal(signal.SIGTERM)] if step == 0 else [lambda process: None]
                process = await warm.fork(site.paths, "w1", name, listener, recorded=early[0])
            site.started.append(process)
            await asyncio.sleep(0.002 * step)
            process.signal(signal.SIGTERM)
            assert await ended(process, 15.0) in ("exit code 0", "killed by SIGTERM")

    asyncio.run(scenario())


def test_told_to_stop_while_the_application_gets_ready(make: Callable[..., Site]) -> None:
    never = """
        import asyncio
        async def app(scope, receive, send):
            assert scope["type"] == "lifespan"
            print("getting ready", flush=True)
            await asyncio.sleep(3600)
    """

    async def scenario() -> None:
        site = make({"app.py": never}, asgi="app:app")
        await site.warmed()
        with server.listen(site.application, site.paths, "s1") as listener:
            process = await warm.fork(site.paths, "w1", "s1", listener)
        site.started.append(process)
        async with asyncio.timeout(10):
            while "getting ready" not in warm.last_output(site.paths):
                await asyncio.sleep(0.02)
        process.signal(signal.SIGTERM)
        assert await ended(process) == "exit code 0"

    asyncio.run(scenario())


def test_signals_are_as_in_a_fresh_process(make: Callable[..., Site]) -> None:
    sets = """
        import signal
        for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGRTMIN + 1):
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGUSR1])

        def app(environ, start_response):
            start_response("200 OK", [])
            with open("/proc/self/status") as file:
                return ["".join(line for line in file if line.startswith(("SigBlk", "SigIgn"))).encode()]
    """

    async def scenario() -> None:
        site = make({"app.py": sets}, wsgi="app:app")
        await site.warmed()
        await site.fork("s1")
        _, body = await site.get("s1")
        said = {key: int(value, 16) for key, value in (line.split(":") for line in body.splitlines())}
        assert said["SigBlk"] == 0
        # make's posix_spawn(3) has those of glibc itself ignored, 32 and 33, and nobody can undo it.
        ignored = {number for number in range(1, 65) if said["SigIgn"] >> (number - 1) & 1} - {32, 33}
        assert ignored <= {signal.SIGPIPE, signal.SIGXFSZ, signal.SIGUSR1}, "gunicorn's own use of SIGUSR1 aside"
        assert signal.SIGUSR2 not in ignored

    asyncio.run(scenario())


def test_a_control_plane_of_0_1_0_is_served_still(make: Callable[..., Site]) -> None:
    async def scenario() -> None:
        site = make({"app.py": HELLO}, wsgi="app:app")
        await site.warmed()
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(site.paths.warm_socket("w1")))
            with server.listen(site.application, site.paths, "s1") as listener:
                socket.send_fds(connection, [b'{"ask": "fork", "server": "s1"}\n'], [listener.fileno()])
            pid = json.loads(await asyncio.to_thread(connection.recv, 4096))["pid"]
        process = Process.adopt(pid)
        assert process
        site.started.append(process)
        await site.answers(server.address(site.paths, "s1"))
        assert await site.get("s1") == (200, "hello")

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        (b'{"ready": true, "can_fork": true, "why": "", "notes": [], "advice": [], "seconds": 1.0}\n', 0),
        (b'{"version": 7, "ready": true, "later": 1, "advice": [{"level": "fix", "problem": "p", "lines": [],'
         b' "why": "w", "more": 2}]}\n', 7),
    ],
    ids=["0.1.0", "later"],
)  # fmt: skip
def test_a_warm_process_of_another_release(make: Callable[..., Site], answer: bytes, version: int) -> None:
    """It says how it is; it is asked for no server, which would serve unknown to us."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert json.loads(await reader.readline())["ask"] != "fork"
        writer.write(answer)
        writer.close()

    async def scenario() -> None:
        site = make({"app.py": HELLO}, wsgi="app:app")
        async with await asyncio.start_unix_server(speak, site.paths.warm_socket("w1")):
            report = await warm.status(site.paths, "w1", 5)
            assert (report.ready, report.version) == (True, version)
            with (
                server.listen(site.application, site.paths, "s1") as listener,
                pytest.raises(ConnectionError, match="another version"),
            ):
                await warm.fork(site.paths, "w1", "s1", listener)

    asyncio.run(scenario())


def _said(pid: int, more: dict[str, object] | None = None) -> dict[str, object]:
    return {"version": warm.VERSION, "pid": pid, "started": start_time(pid), **(more or {})}


@pytest.mark.parametrize("lie", ["another's", "not the handle's", "no number", "nothing"])
def test_a_hostile_application_cannot_name_any_process(make: Callable[..., Site], lie: str) -> None:
    """It owns the warm process, may answer in its place, and we end what we take for its server."""
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    answers = {
        "another's": (_said(1), 1),
        "not the handle's": (_said(other.pid), os.getpid()),
        "no number": (_said(other.pid, {"pid": "all"}), other.pid),
        "nothing": ({"version": warm.VERSION, "pid": other.pid}, other.pid),
    }
    answer, handle = answers[lie]

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        pidfd = os.pidfd_open(handle)
        with writer.get_extra_info("socket").dup() as client:
            client.setblocking(True)
            socket.send_fds(client, [json.dumps(answer).encode() + b"\n"], [pidfd])
        os.close(pidfd)
        writer.close()

    async def scenario() -> None:
        site = make({"app.py": HELLO}, wsgi="app:app")
        recorded: list[Process] = []
        user = 54321 if lie == "another's" else os.geteuid()
        async with await asyncio.start_unix_server(speak, site.paths.warm_socket("w1")):
            with server.listen(site.application, site.paths, "s1") as listener, pytest.raises(ConnectionError):
                await warm.fork(site.paths, "w1", "s1", listener, None, recorded.append, user)
        assert recorded == []

    try:
        asyncio.run(scenario())
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_what_makes_no_sense_is_no_report(make: Callable[..., Site]) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b'{"version": 1, "ready": [], "notes": 5, "advice": [3]}\n')
        writer.close()

    async def scenario() -> None:
        site = make({"app.py": HELLO}, wsgi="app:app")
        async with await asyncio.start_unix_server(speak, site.paths.warm_socket("w1")):
            report = await warm.status(site.paths, "w1", 5)
        assert not report.ready
        assert "makes no sense" in report.failed

    asyncio.run(scenario())
