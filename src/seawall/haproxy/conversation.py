"""A kept connection to one balancer's runtime socket: commands go in a row, answers come in the same order."""

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path

_PROMPT = b"\n> "
_LONGEST = 1 << 22  # bytes of one answer


class Conversation:
    """Opened at the first question and again after it was lost. Questions of several tasks wait for one another.

    HAProxy serves few connections to this socket (10 in 2.6), so there is one, and many commands share it. `asked` is
    when (s, the loop's clock) the question was sent that is being answered now; None while nothing is owed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.asked: float | None = None
        self._turn = asyncio.Lock()
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, commands: Sequence[str]) -> list[str]:
        """The answers to commands sent at once. Raises OSError where the balancer is gone.

        Who gives up waiting (asyncio.timeout) closes the connection: a late answer would be taken for the next one's.
        """
        async with self._turn:
            self.asked = asyncio.get_running_loop().time()
            try:
                return await self._exchange(commands)
            except asyncio.IncompleteReadError as error:
                self.close()
                raise ConnectionResetError(f"{self.path} was closed") from error
            except BaseException:
                self.close()
                raise
            finally:
                self.asked = None

    async def _exchange(self, commands: Sequence[str]) -> list[str]:
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_unix_connection(self.path, limit=_LONGEST)
            self._writer.write(b"prompt\n")
            await self._answer()
        self._writer.write("".join(f"{command}\n" for command in commands).encode(errors="surrogateescape"))
        return [await self._answer() for _ in commands]

    async def _answer(self) -> str:
        assert self._reader is not None
        return (await self._reader.readuntil(_PROMPT)).removesuffix(_PROMPT).decode(errors="replace")

    def arrived(self) -> bool:
        """Whether something of an answer lies there, or the connection has ended: then nothing is owed."""
        reader = self._reader
        return reader is not None and (bool(getattr(reader, "_buffer", b"")) or reader.at_eof())

    def close(self) -> None:
        """Forget the connection; the next question opens another."""
        if self._writer:
            with contextlib.suppress(OSError, RuntimeError):
                self._writer.close()
        self._reader = self._writer = None
