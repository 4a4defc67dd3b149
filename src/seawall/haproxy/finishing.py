"""Watches a balancer finish its requests: once asked to (SIGUSR1) it answers only who already talks to it."""

import asyncio
from pathlib import Path
from typing import Self

from seawall.haproxy.socket import backend_requests

_PROMPT = b"\n> "


class Finishing:
    """A conversation with one balancer, to be begun before the signal: `async with Finishing(path) as balancer`.

    Raises OSError (TimeoutError among them) if the balancer does not answer within `timeout` seconds.
    """

    def __init__(self, path: Path, timeout: float = 0.5) -> None:
        self.path, self.timeout = path, timeout

    async def __aenter__(self) -> Self:
        async with asyncio.timeout(self.timeout):
            self._reader, self._writer = await asyncio.open_unix_connection(self.path, limit=1 << 20)
            await self._ask("prompt")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def requests(self) -> int:
        """How many requests are worked on or wait for a server. Websockets count; idle visitors do not.

        Raises TimeoutError.
        """
        try:
            async with asyncio.timeout(self.timeout):
                return backend_requests(await self._ask("show stat -1 2 -1"))
        except (asyncio.IncompleteReadError, ConnectionError):
            return 0  # it has finished and ended

    async def _ask(self, command: str) -> str:
        self._writer.write(command.encode() + b"\n")
        return (await self._reader.readuntil(_PROMPT)).removesuffix(_PROMPT).decode()
