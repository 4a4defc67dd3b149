"""`seawall status`: what runs and how it does."""

import json
import time
from pathlib import Path

import click

from seawall.control import client
from seawall.paths import locate


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="Everything as one JSON object.")
@click.option("-w", "--watch", is_flag=True, help="Go on showing it, until Ctrl-C.")
@click.pass_obj
def status_command(project: Path, as_json: bool, watch: bool) -> None:
    """Show what runs, how it does, and how fast it answers."""
    paths = locate(project)
    state = client.ask(paths, "status")
    if as_json:
        click.echo(json.dumps(state, indent=2))
        return
    from rich.console import Console

    from seawall.cli.screen import screen

    if not watch:
        Console().print(screen(state, events=5))
        return
    from rich.live import Live

    with Live(screen(state), auto_refresh=False) as live:
        while True:
            time.sleep(1)
            live.update(screen(client.ask(paths, "status")), refresh=True)
