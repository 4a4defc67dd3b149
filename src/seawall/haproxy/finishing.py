"""Lets a balancer finish its requests: once asked to (SIGUSR1) it closes all sockets it listens on, inner ones too."""

import asyncio
import os
from pathlib import Path
from typing import Self

from seawall.haproxy.conversation import Conversation
from seawall.haproxy.socket import backend_requests
from seawall.model import BalancerName


class Finishing:
    """A conversation with one balancer, to be begun before the signal: `async with Finishing(path) as balancer`.

    Raises OSError (TimeoutError among them) if the balancer does not answer within `timeout` seconds.
    """

    def __init__(self, path: Path, timeout: float = 0.5) -> None:
        self.timeout = timeout
        self._conversation = Conversation(path)
        self._question: asyncio.Task[list[str]] | None = None

    async def __aenter__(self) -> Self:
        async with asyncio.timeout(self.timeout):
            await self._conversation.ask(["show version"])
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._question:
            self._question.cancel()
        self._conversation.close()

    async def requests(self) -> int:
        """How many requests are worked on or wait for a server. Websockets count; idle visitors do not.

        Raises TimeoutError. The question stands then: a connection that is given up cannot be had again.
        """
        self._question = self._question or asyncio.create_task(self._conversation.ask(["show stat -1 2 -1"]))
        done, _ = await asyncio.wait([self._question], timeout=self.timeout)
        if not done:
            raise TimeoutError(f"{self._conversation.path} does not answer")
        question, self._question = self._question, None
        try:
            return backend_requests(question.result()[0])
        except (FileNotFoundError, ConnectionError):
            return 0  # it has finished and ended


def lead_inside(folder: Path, balancer: BalancerName, other: BalancerName) -> None:
    """From now on the steps inside of `balancer`'s requests go to the sockets of the `other` one, which stay open.

    HAProxy looks up the path at each connection. When it starts anew it puts its own socket in the link's place
    (sock_unix_bind_receiver: rename(2) over it).
    """
    for own in folder.glob(f"*-{balancer}.sock"):
        beside = folder / f"{own.name.removesuffix(f'{balancer}.sock')}{other}.sock"
        if beside.is_socket() and not beside.is_symlink():  # one that leads back here would lead nowhere
            link = own.with_suffix(".link")
            link.unlink(missing_ok=True)
            link.symlink_to(beside.name)
            os.replace(link, own)
