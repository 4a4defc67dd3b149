"""`seawall down`: stops the site, also when its control plane is dead."""

import fcntl
import os
import signal
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
        # The control plane removes the record last: if it is still there, it failed on the way.
        if paths.processes.exists():
            _without_control(paths)
    click.echo("stopped")


def _wait(pid: int) -> None:
    """Until the control plane has ended, and with it everything it started."""
    import select

    from seawall.process import Process

    if process := Process.adopt(pid):
        click.echo("requests in flight are finished …", err=True)
        select.select([process.pidfd], [], [])


def _end_control(paths: Paths) -> None:
    """A control plane that lives but does not answer would start again what we are about to stop."""
    if not paths.control_lock.exists():
        return
    with paths.control_lock.open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            os.kill(int(lock.read()), signal.SIGKILL)
            fcntl.flock(lock, fcntl.LOCK_SH)


def _without_control(paths: Paths) -> None:
    import asyncio

    from seawall.control.running import load
    from seawall.control.stop import stop

    _end_control(paths)
    nothing = NotRunning(f"No site runs from {paths.project}.", "Start it: seawall up")
    if not paths.processes.exists():
        raise nothing
    running = load(paths)
    asyncio.run(stop(running, 30.0, lambda: False))
    if not running.processes:
        raise nothing
