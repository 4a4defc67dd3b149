"""The live terminal view: the site's picture, drawn in place."""

import asyncio
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from seawall.cli.screen import screen
from seawall.cli.show import event_line

EVERY = 1.0  # s


class LiveView:
    """Draws the site in place on a terminal, once a second and whenever something happens."""

    def __init__(self) -> None:
        self._live = Live(Text("starting …"), console=Console(), auto_refresh=False)
        self._changed = asyncio.Event()

    def __enter__(self) -> "LiveView":
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def tell(self, entry: Mapping[str, Any]) -> None:
        """An event: those that ask for something to be done stay readable above the picture."""
        if entry["kind"] in (
            "advice",
            "note",
            "reload",
            "reload-failed",
            "crash-loop",
            "trouble",
            "cold-starts",
            "application-failed",
            "stop",
        ):
            self._live.console.print(Text(event_line(entry)))
        self._changed.set()

    async def draw(self, status: Callable[[], Mapping[str, Any]]) -> None:
        """Until cancelled."""
        while True:
            width, height = self._live.console.size
            self._live.update(screen(status(), width, height=height), refresh=True)
            self._changed.clear()
            try:
                async with asyncio.timeout(EVERY):
                    await self._changed.wait()
                    await asyncio.sleep(0.1)
            except TimeoutError:
                continue
