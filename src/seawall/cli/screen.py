"""One status object as a picture for the terminal."""

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from seawall.cli.show import duration, event_line, milliseconds

COLOURS = {
    "up": "green",
    "ready": "green",
    "starting": "yellow",
    "importing": "yellow",
    "draining": "cyan",
    "busy": "yellow",
    "drain": "cyan",
}


def screen(state: Mapping[str, Any], events: int = 8) -> RenderableType:
    """The whole picture of one status object."""
    parts: list[RenderableType] = [_head(state), _balancers(state), _size(state), _servers(state)]
    recent = state["events"][-events:]
    if recent:
        parts += [
            Text("recent", style="bold"),
            *(Text(event_line(entry), overflow="ellipsis", no_wrap=True) for entry in recent),
        ]
    if fixes := [advice["problem"] for advice in state["advice"] if advice["level"] == "fix"]:
        parts.append(Text(f"{len(fixes)} to fix in the settings: {' '.join(fixes)}", style="yellow"))
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


def _size(state: Mapping[str, Any]) -> Text:
    """How many servers are wanted, and why."""
    text = Text(f"{state['wanted']} of {state['min']} to {state['max']} servers", overflow="ellipsis", no_wrap=True)
    return text.append(f"  {state['why']}", "dim") if state["why"] else text


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
