"""`seawall kill`: for an operator."""

from pathlib import Path

import click

from seawall.control import client
from seawall.paths import locate


@click.command("kill")
@click.argument("server")
@click.pass_obj
def kill_command(project: Path, server: str) -> None:
    """End SERVER at once. Its GETs are answered by another server, and it is replaced."""
    client.ask(locate(project), "kill", server=server)
    click.echo(f"{server} was killed")
