"""One status object as a picture for the terminal."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
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
HEADER = 1  # line above the servers
KEPT = 3  # of the newest events, before servers are left out for them
LEFT_OUT = {"pid": 90, "queue": 90, "cpu": 76, "memory": 76}  # below so many columns there is no room for these


def screen(state: Object, width: int, events: int = 8, height: int | None = None) -> RenderableType:
    """The whole picture of one status object, for a terminal of `width` columns.

    Where it is not to be higher than `height` lines, servers that do well and the oldest events are left out.
    """
    parts = [_head(state), _balancers(state)]
    sleeps = asleep(state)
    if sleeps:
        parts.append(Text(sleeps, style="cyan"))
    shown = bool(state["servers"]) or not sleeps
    if shown:
        parts += _size(state)
    parts += _to_heed(state)
    recent = state["events"][-events:]
    table: list[RenderableType] = []
    if shown:
        left = None if height is None else height - _lines(parts, width) - _lines(_recent(recent[-KEPT:]), width)
        table = _fitting(state, width, left)
    if height is not None:
        recent = _newest(recent, width, height - _lines([*parts, *table], width))
    return Group(*parts, *table, *_recent(recent))


def _lines(parts: Sequence[RenderableType], width: int) -> int:
    return len(Console(width=width).render_lines(Group(*parts), pad=False)) if parts else 0


def _to_heed(state: Object) -> list[Text]:
    """What is wrong, or goes on."""
    parts = [Text(state["trouble"], style="red")] if state["trouble"] else []
    if state.get("change"):
        parts.append(Text(f"settings change: {state['change']}", style="yellow"))
    if fixes := [advice["problem"] for advice in state["advice"] if advice["level"] == "fix"]:
        parts.append(Text(f"{len(fixes)} to fix in the settings: {' '.join(fixes)}", style="yellow"))
    return parts


def _recent(entries: Sequence[Object]) -> list[Text]:
    if not entries:
        return []
    recent = [Text(event_line(entry), overflow="ellipsis", no_wrap=True) for entry in entries]
    recent[-1].no_wrap, recent[-1].overflow = False, "fold"  # it may say why something does not work
    return [Text("recent", style="bold"), *recent]


def _newest(entries: Sequence[Object], width: int, height: int) -> Sequence[Object]:
    """Without the oldest that do not fit; the newest one is always there."""
    while len(entries) > 1 and _lines(_recent(entries), width) > height:
        entries = entries[1:]
    return entries


def _fitting(state: Object, width: int, height: int | None) -> list[RenderableType]:
    """The servers. Where there is no room for all, those that do well are counted."""
    servers = state["servers"]
    if height is None or len(servers) + HEADER <= height:
        return [_servers(state, servers, width)]
    first = sorted(servers, key=lambda server: server["state"] == "up")[: max(0, height - HEADER - 1)]
    rest = [server["state"] for server in servers if server not in first]
    words = "all up" if set(rest) == {"up"} else ", ".join(f"{rest.count(word)} {word}" for word in sorted(set(rest)))
    more = Text(f"… and {len(rest)} more: {words}", style="dim")
    return [_servers(state, [server for server in servers if server in first], width), more]


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
    text = Text(f"{state['wanted']} of {state['min']} to {state['max']} servers")
    return [text.append(f"  {state['why']}", "dim") if state["why"] else text]


def _servers(state: Object, servers: Sequence[Object], width: int) -> Table:
    table = Table(box=None, pad_edge=False, collapse_padding=width < TIGHT, header_style="dim")
    shown = [title for title in FIGURES if width >= LEFT_OUT.get(title, 0)]
    table.add_column("server", no_wrap=True)
    table.add_column("state", no_wrap=True)
    for title in shown:
        table.add_column(title, justify="right", no_wrap=True)
    for server in servers:
        figures = (FIGURES[title](server, state) for title in shown)
        table.add_row(server["name"], Text(server["state"], COLOURS.get(server["state"], "red")), *figures)
    return table
