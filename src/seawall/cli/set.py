"""`seawall set`: changes a setting of the running site."""

from pathlib import Path

import click

from seawall.control import client
from seawall.paths import locate


@click.command("set")
@click.argument("key")
@click.argument("value")
@click.pass_obj
def set_command(project: Path, key: str, value: str) -> None:
    """Change a setting of the running site, without failing a request.

    \b
    seawall set balancer.strategy round-robin     or random, least-connections
    seawall set servers.min 4                     how many servers
    seawall set servers.concurrency 8             requests each works on at a time
    """
    client.ask(locate(project), "set", key=key, value=value)
    section, _, name = key.rpartition(".")
    shown = value if value.isdigit() else f'"{value}"'
    click.echo(f"{key} is now {value}. To keep it after `seawall down`, write it in seawall.toml:")
    click.echo(f"  [{section}]\n  {name} = {shown}")
