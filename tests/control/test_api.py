"""The control socket: who may connect, and what it does with nonsense."""

import asyncio
import contextlib
import json
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from seawall.control import api, client
from seawall.control.api import Api
from seawall.errors import UnknownServer


async def echo(word: str, times: int = 1) -> AsyncIterator[dict[str, Any]]:
    for _ in range(times):
        yield {"word": word}


async def refuse() -> AsyncIterator[dict[str, Any]]:
    raise UnknownServer("There is no s9.", "Look at: seawall status")
    yield {}


async def ask(path: Path, line: bytes) -> list[Any]:
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(line)
    writer.write_eof()
    answers = [json.loads(answer) async for answer in reader]
    writer.close()
    return answers


def test_answers_errors_and_nonsense(tmp_path: Path) -> None:
    async def scenario() -> None:
        path = tmp_path / "control.sock"
        path.write_text("left over")
        api = Api(path, {"echo": echo, "refuse": refuse})
        await api.start()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert await ask(path, b'{"verb": "echo", "word": "hello", "times": 2}\n') == [{"word": "hello"}] * 2
        [refused] = await ask(path, b'{"verb": "refuse"}\n')
        assert refused["error"] == {
            "name": "UnknownServer",
            "problem": "There is no s9.",
            "remedy": "Look at: seawall status",
            "detail": "",
        }
        for nonsense in (
            b"\n",
            b"[]\n",
            b"{}\n",
            b'{"verb": "echo"}\n',
            b'{"verb": "echo", "x": 1}\n',
            b"\xff\n",
            b"7\n",
        ):
            [answer] = await ask(path, nonsense)
            assert answer["error"]["problem"], nonsense
        assert await ask(path, b"") == []
        with contextlib.suppress(ConnectionResetError):
            assert await ask(path, b"x" * (1 << 21)) == []
        assert await ask(path, b'{"verb": "echo", "word": "still here"}\n') == [{"word": "still here"}]
        await api.stop()
        assert not path.exists()

    asyncio.run(scenario())


def test_requests_of_other_releases(tmp_path: Path) -> None:
    assert client.VERSION == api.VERSION

    async def scenario() -> None:
        path = tmp_path / "control.sock"
        served = Api(path, {"echo": echo})
        await served.start()
        asked: dict[str, object] = {"verb": "echo", "word": "hello"}
        for version in ({}, {"version": 0}, {"version": api.VERSION}):
            assert await ask(path, json.dumps({**asked, **version}).encode() + b"\n") == [{"word": "hello"}]
        for later in (api.VERSION + 1, "x"):
            [refused] = await ask(path, json.dumps({**asked, "version": later}).encode() + b"\n")
            assert refused["error"]["problem"]
        [refused] = await ask(path, json.dumps({**asked, "version": api.VERSION + 1}).encode() + b"\n")
        assert "seawall up --replace" in refused["error"]["remedy"]
        await served.stop()

    asyncio.run(scenario())


def test_what_is_started_meanwhile_keeps_its_mask(tmp_path: Path) -> None:
    """The loop goes round while the socket is made: a server that is started then may write files for others."""
    masks = []

    async def look() -> None:
        while True:
            masks.append(os.umask(0o022))
            await asyncio.sleep(0)

    async def scenario() -> None:
        looking = asyncio.create_task(look())
        await asyncio.sleep(0)
        api = Api(tmp_path / "control.sock", {"echo": echo})
        await api.start()
        await api.restart()
        assert stat.S_IMODE((tmp_path / "control.sock").stat().st_mode) == 0o600
        assert len(await ask(tmp_path / "control.sock", b'{"verb": "echo", "word": "x"}\n')) == 1
        looking.cancel()
        await api.stop()

    before = os.umask(0o022)
    try:
        asyncio.run(scenario())
    finally:
        os.umask(before)
    assert set(masks) == {0o022}
