"""`seawall logs`: what the application itself printed."""

import os
import shutil
from pathlib import Path

import click

from seawall.errors import NotRunning
from seawall.paths import locate
from seawall.rights import search_path
from seawall.sites import run_by_another


@click.command("logs")
@click.option("-f", "--follow", is_flag=True, help="Go on showing what is printed, until Ctrl-C.")
@click.option("-n", "--lines", default=50, show_default=True, help="How many lines to begin with.")
@click.pass_obj
def logs_command(project: Path, follow: bool, lines: int) -> None:
    """Show what the application printed, tracebacks included."""
    log = locate(project).logs / "application.log"
    if not log.exists():
        raise run_by_another(project) or NotRunning(f"There is no {log} yet.", "Start the site: seawall up")
    # tail knows how to follow a file that is put aside or emptied; we need not.
    tail = shutil.which("tail", path=search_path()) or "/usr/bin/tail"
    os.execv(tail, ["tail", f"--lines={lines}", *(["--follow=name", "--retry"] if follow else []), str(log)])
