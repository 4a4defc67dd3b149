"""The control socket: answers the verbs of the command line. Mode 0600, one JSON object a line."""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from seawall.errors import SeawallError

VERSION = 1  # of questions and answers; who says none speaks that of 0.1.0, which this one still understands
Answers = AsyncIterator[dict[str, Any]]
Verb = Callable[..., Answers]


class Api:
    """Serves `verbs`: each takes the request's other members as keyword arguments and yields its answers."""

    def __init__(self, path: Path, verbs: dict[str, Verb]) -> None:
        self._path = path
        self._verbs = verbs
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        # The socket's own mode becomes the file's. A mask would also count for whatever is started meanwhile.
        os.fchmod(listener.fileno(), 0o600)
        listener.bind(str(self._path))
        self._server = await asyncio.start_unix_server(self._serve, sock=listener, limit=1 << 20)

    async def restart(self) -> None:
        """Listen again, on a path that was removed. Conversations that go on are not harmed."""
        if self._server:
            self._server.close()
        await self.start()

    async def stop(self) -> None:
        if self._server:
            self._server.close()
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async for answer in self._answers(await reader.readline()):
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, asyncio.LimitOverrunError, ValueError):
            return  # the client has gone, or was none of ours
        finally:
            writer.close()

    async def _answers(self, line: bytes) -> Answers:
        if not line:
            return
        try:
            request = json.loads(line)
            version = request.pop("version", 0)
            if version > VERSION:
                raise SeawallError(
                    f"This site's control plane is of an older Seawall (it speaks version {VERSION}, not {version}).",
                    "Put one of yours in its place, which stops nothing: seawall up --replace",
                )
            verb = self._verbs.get(request.pop("verb", ""))
            if verb is None:
                raise SeawallError(f"The control plane knows only: {', '.join(sorted(self._verbs))}.")
            async for answer in verb(**request):
                yield answer
        except SeawallError as error:
            name = type(error).__name__
            yield {"error": {"name": name, "problem": error.problem, "remedy": error.remedy, "detail": error.detail}}
        except (TypeError, AttributeError, ValueError, RecursionError) as error:
            yield {"error": {"name": "SeawallError", "problem": f"The request makes no sense: {error}.", "remedy": ""}}
