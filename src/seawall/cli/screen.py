"""One status object as a picture for the terminal."""

from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from seawall.cli.show import asleep, duration, event_line, megabytes, milliseconds, percent

COLOURS = {
    "up": "green",
    "ready": "green",
    "starting": "yellow",
    "importing": "yellow",
    "draining": "cyan",
    "busy": "yellow",
    "drain": "cyan",
}

Object = Mapping[str, Any]
FIGURES: dict[str, Callable[[Object, Object], str]] = {  # of a server, in the state of its site
    "up": lambda server, _: duration(server["uptime"]),
    "pid": lambda server, _: str(server["pid"] or ""),
    "req/s": lambda server, _: f"{server['requests_per_second']:.0f}",
    "busy": lambda server, state: f"{server['current']}/{server.get('slots', state['concurrency'])}",
    "queue": lambda server, _: str(server["queue"]),
    "p50": lambda server, _: milliseconds(server["p50_ms"]),
    "p99": lambda server, _: milliseconds(server["p99_ms"]),
    "heartbeat": lambda server, _: milliseconds(server["heartbeat_ms"]),
    "cpu": lambda server, _: percent(server.get("processor")),
    "memory": lambda server, _: megabytes(server.get("memory")),
}
TIGHT = 102  # columns that the widest figures take
LEFT_OUT = {"pid": 90, "queue": 90, "cpu": 76, "memory": 76}  # below so many columns there is no room for these


def screen(state: Mapping[str, Any], width: int, events: int = 8) -> RenderableType:
    """The whole picture of one status object, for a terminal of `width` columns."""
    parts: list[RenderableType] = [_head(state), _balancers(state)]
    if sleeps := asleep(state):
        parts.append(Text(sleeps, style="cyan"))
    if state["servers"] or not sleeps:
        parts += [*_size(state), _servers(state, width)]
    recent = [Text(event_line(entry), overflow="ellipsis", no_wrap=True) for entry in state["events"][-events:]]
    if recent:
        recent[-1].no_wrap, recent[-1].overflow = False, "fold"  # it may say why something does not work
        parts += [Text("recent", style="bold"), *recent]
    if fixes := [advice["problem"] for advice in state["advice"] if advice["level"] == "fix"]:
        parts.append(Text(f"{len(fixes)} to fix in the settings: {' '.join(fixes)}", style="yellow"))
    if state.get("change"):
        parts.append(Text(f"settings change: {state['change']}", style="yellow"))
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


def _size(state: Object) -> list[Text]:
    """How many servers are wanted, and why."""
    if "max" not in state:  # an older control plane does not say
        return []
    text = Text(f"{state['wanted']} of {state['min']} to {state['max']} servers", overflow="ellipsis", no_wrap=True)
    return [text.append(f"  {state['why']}", "dim") if state["why"] else text]


def _servers(state: Mapping[str, Any], width: int) -> Table:
    table = Table(box=None, pad_edge=False, collapse_padding=width < TIGHT, header_style="dim")
    shown = [title for title in FIGURES if width >= LEFT_OUT.get(title, 0)]
    table.add_column("server", no_wrap=True)
    table.add_column("state", no_wrap=True)
    for title in shown:
        table.add_column(title, justify="right", no_wrap=True)
    for server in state["servers"]:
        figures = (FIGURES[title](server, state) for title in shown)
        table.add_row(server["name"], Text(server["state"], COLOURS.get(server["state"], "red")), *figures)
    return table
