"""`seawall explain`: why it happened."""

import os
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from seawall.cli.show import printable
from seawall.errors import NotRunning
from seawall.paths import locate
from seawall.sites import run_by_another

CHANGES = ("reload", "reload-failed", "set")  # of settings


@click.command("explain")
@click.argument("subject", required=False)
@click.option("-n", "--number", type=click.IntRange(min=0), default=3, show_default=True, help="How many decisions.")
@click.pass_obj
def explain_command(project: Path, subject: str | None, number: int) -> None:
    """Show the last decisions that changed something: what was decided, why, and from what.

    With SUBJECT (a server such as s3, or a balancer, a or b) only decisions about it.
    """
    from seawall.control.journal import read

    journal = locate(project).journal
    if not os.path.lexists(journal):
        nothing = NotRunning(f"There is no journal in {journal.parent}.", "Start the site: seawall up")
        raise run_by_another(project) or nothing
    about = (line for line in read(journal) if subject is None or any(e["subject"] == subject for e in line["events"]))
    # What decisions were made from includes the settings: their changes are part of the story.
    story = (line for line in about if "inputs" in line or any(e["kind"] in CHANGES for e in line["events"]))
    chosen = deque((told for line in story if (told := _told(line))), maxlen=number)
    if not chosen:
        raise NotRunning(f"No decision about {subject} is on record." if subject else "Nothing was decided yet.")
    for clock, *lines in chosen:
        click.secho(clock, bold=True)
        click.echo(printable("\n".join(lines)) + "\n")


def _told(line: dict[str, Any]) -> list[str]:
    """The decision in words; nothing where another version made it from other inputs, or it makes no sense."""
    try:
        return list(_explained(line))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError):
        return []


def _explained(line: dict[str, Any]) -> Iterator[str]:
    yield time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(line["time"]))
    for event in line["events"]:
        yield f"  {event['kind']:<15} {event['subject']:<4} because {event['text']}"
    if "inputs" not in line:
        return
    site, observed, now = line["inputs"]["site"], line["inputs"]["observed"], line["inputs"]["now"]
    yield f"  wanted    {site['min']} to {site['max']} servers, {site['strategy']}"
    yield from _load(observed.get("load"), line["inputs"]["memory"], now)
    for server in observed["servers"]:
        yield f"  seen      {server['name']}: {_server(server, now)}"
    for balancer in observed["balancers"]:
        yield f"  seen      balancer {balancer['name']}: {_balancer(balancer, observed['active'])}"
    memory = line["inputs"]["memory"]
    remembered = {key: memory[key] for key in ("leaving", "stopping", "down", "deaths") if memory[key]}
    if remembered:
        yield f"  remembered {remembered}"


def _load(load: dict[str, Any] | None, memory: dict[str, Any], now: float) -> Iterator[str]:
    """What was known of the load, and what was made of it the moment before."""
    if load is None:
        yield "  load      unknown"
    else:
        streams = f", {load['streams']} streams" if load["streams"] else ""
        age = f"read {1000 * (now - load['at']):.0f} ms before"
        yield f"  load      {load['serving']} requests in service{streams}, {load['queued']} queued; {age}"
    if why := memory.get("demand", {}).get("why"):
        yield f"  load      before: {why}"


def _server(server: dict[str, Any], now: float) -> str:
    words = ["alive" if server["alive"] else f"dead ({server['ending'] or 'gone'})"]
    words += ["answers" if server["ready"] else "has not answered yet"]
    words += [server["hung"]] if server.get("hung") else []
    return ", ".join([*words, f"started {now - server['started']:.1f} s before"])


def _balancer(balancer: dict[str, Any], active: str) -> str:
    if not balancer["alive"]:
        return "not running"
    words = ["active" if balancer["name"] == active else "spare", "answers" if balancer["answering"] else "silent"]
    words += [balancer["hung"]] if balancer.get("hung") else []
    routes = balancer["routes"]
    words.append("says nothing of its servers" if routes is None else _routes(routes))
    return ", ".join(words)


def _routes(routes: list[dict[str, Any]]) -> str:
    listed = [f"{r['server']} {r['status']} ({r['current']} in work, {r['queued']} queued)" for r in routes]
    return "; ".join(listed) or "no servers"
