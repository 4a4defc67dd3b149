"""Real applications in fresh folders, and everything that was started for them ended."""

import asyncio
import contextlib
import ctypes
import os
import select
import signal
import socket
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from seawall import paths as site_paths
from seawall.config import Settings
from seawall.fleet import server, warm
from seawall.fleet.application import Application, find
from seawall.paths import Paths
from seawall.process import Process
from tests.patience import PATIENCE

PR_SET_CHILD_SUBREAPER = 36  # prctl(2)


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))


async def ended(process: Process, within: float = PATIENCE) -> str:
    """How it ended. A pidfd is readable once all threads are gone; the main one may be a zombie long before."""
    readable, _, _ = await asyncio.to_thread(select.select, [process.pidfd], [], [], within)
    assert readable, "it lives"
    return process.reap()


@dataclass
class Site:
    """One site of a test: its application, and what runs of it."""

    application: Application
    paths: Paths
    started: list[Process] = field(default_factory=list)

    def spawn(self) -> Process:
        process = warm.spawn(self.application, self.paths, "w1")
        self.started.append(process)
        return process

    async def warmed(self, timeout: float = PATIENCE) -> warm.WarmReport:
        """Start a warm process and wait for what it reports."""
        self.spawn()
        return await warm.status(self.paths, "w1", timeout)

    async def fork(self, name: str) -> Process:
        listener, beat = server.listen(self.application, self.paths, name), server.listen_beat(self.paths, name)
        with listener, beat:
            process = await warm.fork(self.paths, "w1", name, listener, beat, self.started.append)
        await self.answers(server.address(self.paths, name))
        return process

    async def cold(self, name: str) -> str:
        process, address = server.spawn_cold(self.application, self.paths, name)
        self.started.append(process)
        await self.answers(address)
        return address

    @staticmethod
    async def answers(address: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                await server.heartbeat(address, PATIENCE)
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.01)

    async def refuses(self, name: str) -> None:
        """Wait until the server accepts no new connections."""
        async with asyncio.timeout(PATIENCE):
            with contextlib.suppress(ConnectionRefusedError):
                while True:
                    (await asyncio.open_unix_connection(self.paths.server_socket(name)))[1].close()
                    await asyncio.sleep(0.01)

    async def get(self, name: str, path: str = "/", *headers: str) -> tuple[int, str]:
        """Status and body; HTTP/1.0, so that the body ends with the connection."""
        reader, writer = await asyncio.open_unix_connection(self.paths.server_socket(name))
        lines = [f"GET {path} HTTP/1.0", *headers]
        if not any(line.lower().startswith("host:") for line in headers):
            lines.append("Host: localhost")
        writer.write("\r\n".join([*lines, "", ""]).encode())
        answer = (await asyncio.wait_for(reader.read(), PATIENCE)).decode()
        writer.close()
        head, _, body = answer.partition("\r\n\r\n")
        return int(head.split()[1]), body

    def end(self) -> None:
        for process in self.started:
            if process.alive:
                os.killpg(process.pid, signal.SIGKILL)
        for process in self.started:
            select.select([process.pidfd], [], [], PATIENCE)
            process.reap()
            process.close()


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Site]]:
    """`make({"app.py": "…"}, wsgi="app:app")`: a site of these files and settings."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    sites: list[Site] = []

    def build(files: dict[str, str], **settings: object) -> Site:
        project = tmp_path / f"site{len(sites)}"
        write(project, files)
        paths = Paths(project, tmp_path / f"r{len(sites)}")
        site_paths.create(paths)
        sites.append(Site(find(Settings.model_validate(settings), project), paths))
        return sites[-1]

    yield build
    for site in sites:
        site.end()
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def bound_socket(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    return listener
