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
            except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
                self.close()
                raise ConnectionResetError(f"{self.path} was closed, or did not come to an end") from error
            except BaseException:
                self.close()
                raise
            finally:
                self.asked = None

    async def _exchange(self, commands: Sequence[str]) -> list[str]:
        # Others may close it meanwhile: then what is read from it ends.
        reader, writer = self._reader, self._writer
        if reader is None or writer is None:
            reader, writer = self._reader, self._writer = await asyncio.open_unix_connection(self.path, limit=_LONGEST)
            writer.write(b"prompt\n")
            await _answer(reader)
        writer.write("".join(f"{command}\n" for command in commands).encode(errors="surrogateescape"))
        return [await _answer(reader) for _ in commands]

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


async def _answer(reader: asyncio.StreamReader) -> str:
    return (await reader.readuntil(_PROMPT)).removesuffix(_PROMPT).decode(errors="replace")
