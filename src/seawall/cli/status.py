"""`seawall status`: what runs and how it does."""

import json
import sys
import time
from pathlib import Path
from typing import Any

import click

from seawall.control import client
from seawall.paths import Paths, locate

EVERY = 1.0  # s


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="Everything as one JSON object; with --watch one a line.")
@click.option("-w", "--watch", is_flag=True, help="Go on showing it, until Ctrl-C.")
@click.pass_obj
def status_command(project: Path, as_json: bool, watch: bool) -> None:
    """Show what runs, how it does, and how fast it answers."""
    paths = locate(project)
    state = client.ask(paths, "status")
    if watch and not as_json and sys.stdout.isatty():
        _draw_in_place(paths, state)
    _print(state, as_json, watch)
    while watch:
        time.sleep(EVERY)
        _print(client.ask(paths, "status"), as_json, watch)


def _print(state: dict[str, Any], as_json: bool, watch: bool) -> None:
    """Into a pipe or a file one after the other; what reads them may have gone, or the disk be full."""
    if as_json:
        click.echo(json.dumps(state, indent=None if watch else 2))
        return
    from rich.console import Console

    from seawall.cli.screen import screen

    console = Console()
    with console.capture() as picture:
        console.print(screen(state, console.width, events=5))
    click.echo(picture.get(), nl=watch)


def _draw_in_place(paths: Paths, state: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.live import Live

    from seawall.cli.screen import screen

    console = Console()
    with Live(screen(state, console.width, height=console.height), console=console, auto_refresh=False) as live:
        while True:
            time.sleep(EVERY)
            state = client.ask(paths, "status")
            live.update(screen(state, console.width, height=console.height), refresh=True)
