"""The live terminal view: balancers, servers, their load and latency, and the recent decisions."""

import asyncio
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from seawall.cli.show import duration, event_line, milliseconds

EVERY = 1.0  # s
COLOURS = {
    "up": "green",
    "ready": "green",
    "starting": "yellow",
    "importing": "yellow",
    "draining": "cyan",
    "drain": "cyan",
}


def screen(state: Mapping[str, Any], events: int = 8) -> RenderableType:
    """The whole picture of one status object."""
    parts: list[RenderableType] = [_head(state), _balancers(state), _servers(state)]
    recent = state["events"][-events:]
    if recent:
        parts += [
            Text("recent", style="bold"),
            *(Text(event_line(entry), overflow="ellipsis", no_wrap=True) for entry in recent),
        ]
    if state["trouble"]:
        parts.append(Text(state["trouble"], style="red"))
    return Group(*parts)


def _head(state: Mapping[str, Any]) -> Text:
    traffic = state["traffic"]
    text = Text.assemble((state["name"], "bold"), "  ", (state["urls"][0], "underline"))
    text.append(f"  {traffic['requests_per_second']:.0f} req/s", "bold")
    text.append(f"  p50 {milliseconds(traffic['p50_ms'])}  p99 {milliseconds(traffic['p99_ms'])}")
    text.append(f"  queue {traffic['queue']}", "red" if traffic["queue"] else "")
    return text


def _balancers(state: Mapping[str, Any]) -> Text:
    text = Text(state["strategy"])
    for balancer in state["balancers"]:
        text.append(f"  {balancer['role']} {balancer['name']} ")
        text.append(balancer["state"], COLOURS.get(balancer["state"], "red"))
        text.append(f" {duration(balancer['uptime'])}")
    if warm := state["warm"]:
        text.append("  warm ").append(warm["state"], COLOURS.get(warm["state"], "red"))
    return text


def _servers(state: Mapping[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("server", "state"):
        table.add_column(title)
    for title in ("up", "pid", "req/s", "busy", "queue", "p50", "p99", "heartbeat"):
        table.add_column(title, justify="right")
    for server in state["servers"]:
        table.add_row(
            server["name"],
            Text(server["state"], COLOURS.get(server["state"], "red")),
            duration(server["uptime"]),
            str(server["pid"] or ""),
            f"{server['requests_per_second']:.0f}",
            f"{server['current']}/{state['concurrency']}",
            str(server["queue"]),
            milliseconds(server["p50_ms"]),
            milliseconds(server["p99_ms"]),
            milliseconds(server["heartbeat_ms"]),
        )
    return table


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
        if entry["kind"] in ("advice", "note", "crash-loop", "trouble", "cold-starts", "application-failed", "stop"):
            self._live.console.print(Text(event_line(entry)))
        self._changed.set()

    async def draw(self, status: Callable[[], Mapping[str, Any]]) -> None:
        """Until cancelled."""
        while True:
            self._live.update(screen(status()), refresh=True)
            self._changed.clear()
            try:
                async with asyncio.timeout(EVERY):
                    await self._changed.wait()
                    await asyncio.sleep(0.1)
            except TimeoutError:
                continue
