"""`seawall logs`: what the application itself printed."""

import os
from pathlib import Path

import click

from seawall.errors import NotRunning
from seawall.paths import locate


@click.command("logs")
@click.option("-f", "--follow", is_flag=True, help="Go on showing what is printed, until Ctrl-C.")
@click.option("-n", "--lines", default=50, show_default=True, help="How many lines to begin with.")
@click.pass_obj
def logs_command(project: Path, follow: bool, lines: int) -> None:
    """Show what the application printed, tracebacks included."""
    log = locate(project).logs / "application.log"
    if not log.exists():
        raise NotRunning(f"There is no {log} yet.", "Start the site: seawall up")
    # tail knows how to follow a file that is rotated away; we need not.
    os.execvp("tail", ["tail", f"--lines={lines}", *(["--follow=name", "--retry"] if follow else []), str(log)])
