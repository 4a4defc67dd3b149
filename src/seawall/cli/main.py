"""`seawall`: finds the verb, runs it, and turns named errors into sentences."""

import contextlib
import errno
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

import click

from seawall import __version__
from seawall.cli.lazy import Lazy
from seawall.cli.project import find_project
from seawall.cli.show import printable
from seawall.errors import SeawallError, StateUnusable, shell

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)

# Verb → its one-line help, so that `seawall --help` imports none of them.
VERBS = {
    "up": "Serve the application in this folder to the world.",
    "down": "Stop the site: finish what is in flight, then end everything.",
    "status": "What runs, how it does, and how fast it answers.",
    "events": "What happened, and go on telling with --follow.",
    "explain": "Why it happened: the last decisions and what they were made from.",
    "logs": "What the application itself printed.",
    "reload": "Apply a changed seawall.toml to the running site.",
    "set": "Change a setting of the running site, and with --save of its file.",
    "drain": "Let a server finish its requests, then stop it.",
    "restart": "Replace a server, or all: the new one first, then the old one goes.",
    "kill": "End a server at once.",
    "trust": "Make browsers on this machine trust the local certificate authority.",
    "doctor": "What is missing on this machine, and the command that installs it.",
    "secrets": "Credentials in the git repository: find them, wipe them, stop the next one.",
}
_VERBS = {verb: (f"seawall.cli.{verb}", f"{verb}_command", text) for verb, text in VERBS.items()}


@click.group(cls=Lazy, verbs=_VERBS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="seawall")
@click.option(
    "-C",
    "--project",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The project's folder. Without it: this folder, or the nearest one above it that is a site.",
)
@click.pass_context
def cli(ctx: click.Context, project: Path | None) -> None:
    """Serve a web application to the world from one machine.

    \b
    seawall up        in the folder of a Django project (or any application) puts
                      several servers of it behind an active and a hot-spare
                      balancer, over HTTPS
    seawall status    shows how it does
    seawall down      stops it
    """
    ctx.obj = find_project(project)


def main() -> None:
    """Run the command line; named errors become sentences on stderr and an exit code."""
    try:
        _run()
    finally:
        _let_go()


def _run() -> None:
    try:
        cli(standalone_mode=False)
        sys.stdout.flush()
    except SeawallError as error:
        _fail(error)
    except click.ClickException as error:
        with _untold():
            error.show()
            click.echo(_what_was_meant(error), err=True, nl=False)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output has gone (`seawall events | head`): nobody is left to tell.
        sys.exit(0)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        _fail(StateUnusable(f"{error.filename or 'A file'} cannot be written: {error.strerror}.", "Make room: df -h"))


def _what_was_meant(error: click.ClickException) -> str:
    """Of a word for which the command has no place."""
    _, found, rest = error.message.partition("Got unexpected extra argument (")
    word = rest.removesuffix(")")
    if not found or not isinstance(error, click.UsageError) or error.ctx is None:
        return ""
    if any(f"--{word}" in parameter.opts for parameter in error.ctx.command.params):
        return f"Did you mean --{word}?\n"
    if not Path(word).is_dir():
        return ""
    first = error.ctx.command_path.partition("seawall ")[2].partition(" ")[0]
    others = sys.argv[sys.argv.index(first) :]  # options too, and not a folder that was named before the verb
    others.remove(word)
    return f"For another folder: seawall -C {' '.join(map(shell, (word, *others)))}\n"


def _let_go() -> None:
    """What cannot be written is left out: Python would try again when it ends, and make the exit code 120."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _fail(error: SeawallError) -> NoReturn:
    with _untold():
        _show(error)
    sys.exit(error.exit_code)


def _untold() -> contextlib.suppress:
    """Where stderr is full or nobody reads it, the exit code alone says it."""
    return contextlib.suppress(OSError)


def _show(error: SeawallError) -> None:
    def line(text: str, **style: Any) -> None:
        click.secho(printable(text), err=True, **style)

    if error.detail:
        line(error.detail.rstrip() + "\n")
    line(f"seawall: {error.problem}", fg="red")
    if error.remedy:
        line(error.remedy)
