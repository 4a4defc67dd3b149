"""`seawall logs`: what the application itself printed."""

import codecs
import os
import shutil
import subprocess
import sys
from pathlib import Path

import click

from seawall import files
from seawall.cli.show import printable
from seawall.errors import NotRunning, StateUnusable, shell
from seawall.paths import locate
from seawall.rights import search_path
from seawall.sites import run_by_another


@click.command("logs")
@click.option("-f", "--follow", is_flag=True, help="Go on showing what is printed, until Ctrl-C.")
@click.option(
    "-n", "--lines", type=click.IntRange(min=0), default=50, show_default=True, help="How many lines to begin with."
)
@click.pass_obj
def logs_command(project: Path, follow: bool, lines: int) -> None:
    """Show what the application printed, tracebacks included."""
    log = locate(project).logs / "application.log"
    try:
        descriptor = files.open_to_read(log)
    except FileNotFoundError:
        nothing = NotRunning(f"There is no {log} yet.", "Start the site: seawall up")
        raise run_by_another(project) or nothing from None
    except OSError as error:
        remedy = f"See what it is: ls -l {shell(log)}"
        raise run_by_another(project) or StateUnusable(f"{log} cannot be read: {error.strerror}.", remedy) from error
    # tail knows how to follow a file that is put aside or emptied; we need not.
    tail = shutil.which("tail", path=search_path()) or "/usr/bin/tail"
    further = ["--follow=name", "--retry", f"--pid={os.getpid()}", str(log)] if follow else ["-"]
    command = [tail, f"--lines={lines}", *further]
    if sys.stdout.isatty():
        _show(command, descriptor)
    else:
        os.dup2(descriptor, 0)
        os.execv(tail, command)


def _show(command: list[str], log: int) -> None:
    """What the command prints, without what would speak to the terminal."""
    text = codecs.getincrementaldecoder("utf-8")("replace")
    with subprocess.Popen(command, stdin=log, stdout=subprocess.PIPE) as tail:
        assert tail.stdout is not None
        try:
            while part := os.read(tail.stdout.fileno(), 65536):
                click.echo(printable(text.decode(part)), nl=False)
        finally:
            tail.terminate()  # it would go on while nothing new is printed
    if tail.returncode > 0:
        sys.exit(tail.returncode)
