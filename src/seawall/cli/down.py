"""`seawall down`: stops the site, also when its control plane is dead."""

import select
import signal
from pathlib import Path

import click

from seawall.control import client
from seawall.errors import NotRunning, RecordUnusable
from seawall.paths import Paths, locate
from seawall.sites import run_by_another


@click.command("down")
@click.option("--now", is_flag=True, help="Do not wait for requests in flight: end everything at once.")
@click.pass_obj
def down_command(project: Path, now: bool) -> None:
    """Stop the site: no new visitors, requests in flight are finished, then everything ends.

    Asked a second time it waits as the first one does; --now ends everything at once.
    """
    from seawall.process import Process

    paths = locate(project)
    try:
        # A control plane of 0.1.0 does not know `now`.
        control = int(client.ask(paths, "stop", **({"now": True} if now else {}))["stop"])
    except NotRunning:
        _without_control(paths, now)
    else:
        if process := Process.adopt(control):
            click.echo("requests in flight are finished …", err=True)
            select.select([process.pidfd], [], [])
        # The control plane removes the record last: if it is still there, it failed on the way.
        if paths.processes.exists():
            _without_control(paths, now)
    click.echo("stopped")


def _without_control(paths: Paths, now: bool) -> None:
    import asyncio

    from seawall import members
    from seawall.control import lock, record
    from seawall.control.processes import Processes
    from seawall.control.stop import left_behind, stop
    from seawall.fleet import groups
    from seawall.fleet.groups import Groups, Limits

    if control := lock.holder(paths):
        # One that lives but does not answer would start again what we are about to stop.
        control.signal(signal.SIGKILL)
        select.select([control.pidfd], [], [])
    processes, site_groups = Processes(paths), Groups(groups.name(paths))
    try:
        if found := record.read(paths):
            site_groups.find(Limits(), record.adopt(found, processes).groups)
    except RecordUnusable as error:
        site_groups.search()
        click.echo(
            f"{error.problem.partition(' What runs')[0]} What belongs to the site is found by its marks.", err=True
        )
    anything = bool(processes.running or members.of_site(paths.mark))
    left = asyncio.run(stop(processes, None, 30.0, lambda: now, site_groups))
    if not anything:
        nobody = NotRunning(f"No site runs from {paths.project}.", "Start it: seawall up")
        raise run_by_another(paths.project) or nobody
    if left:
        raise left_behind(left)
