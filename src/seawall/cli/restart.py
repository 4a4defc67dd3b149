"""`seawall restart`: replaces servers."""

from pathlib import Path

import click

from seawall.control import client
from seawall.paths import locate


@click.command("restart")
@click.argument("server", metavar="SERVER|all")
@click.pass_obj
def restart_command(project: Path, server: str) -> None:
    """Replace SERVER (or all): new servers are started and take over, then the old ones finish and go.

    With `all` the application is imported anew, so changed code goes live. If it cannot be imported, the old servers
    go on.
    """
    names = client.ask(locate(project), "restart", server=server)["restart"]
    what = f"{', '.join(names)}: to be replaced" if names else "no server runs: the next one gets the code as it is now"
    click.echo(f"{what}; seawall events --follow shows it")
