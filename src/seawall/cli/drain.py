"""`seawall drain`: for an operator."""

from pathlib import Path

import click

from seawall.control import client
from seawall.paths import locate


@click.command("drain")
@click.argument("server")
@click.pass_obj
def drain_command(project: Path, server: str) -> None:
    """Let SERVER finish its requests, then stop it. If fewer than servers.min remain, another is started."""
    client.ask(locate(project), "drain", server=server)
    click.echo(f"{server} drains; seawall events --follow shows it go")
