"""`seawall down`: stops the site, also when its control plane is dead."""

from pathlib import Path

import click

from seawall.control import client
from seawall.errors import NotRunning
from seawall.paths import Paths, locate


@click.command("down")
@click.pass_obj
def down_command(project: Path) -> None:
    """Stop the site: no new visitors, requests in flight are finished, then everything ends."""
    paths = locate(project)
    try:
        control = int(client.ask(paths, "stop")["stop"])
    except NotRunning:
        _without_control(paths)
    else:
        _wait(control)
    click.echo("stopped")


def _wait(pid: int) -> None:
    """Until the control plane has ended, and with it everything it started."""
    import select

    from seawall.process import Process

    if process := Process.adopt(pid):
        click.echo("requests in flight are finished …", err=True)
        select.select([process.pidfd], [], [])


def _without_control(paths: Paths) -> None:
    import asyncio

    from seawall.control.running import load
    from seawall.control.stop import stop

    running = load(paths)
    if not running.processes:
        raise NotRunning(f"No site runs from {paths.project}.", "Start it: seawall up")
    asyncio.run(stop(running, 30.0, lambda: False))
