"""`seawall up`: serves the application and stays in charge of it."""

import asyncio
import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from seawall.cli.project import find_project
from seawall.cli.show import event_line
from seawall.control import client
from seawall.errors import AlreadyRunning, ApplicationFailed, NotRunning
from seawall.paths import Paths, create, locate

if TYPE_CHECKING:
    from seawall.control.loop import Control


@click.command("up")
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("-d", "--detach", is_flag=True, help="Return once the site serves; it goes on in the background.")
@click.option(
    "--plain", is_flag=True, help="Log lines instead of the live view. The default where output is no terminal."
)
@click.pass_obj
def up_command(project: Path, folder: Path | None, detach: bool, plain: bool) -> None:
    """Serve the application in FOLDER (or this one) to the world.

    A Django project is found by its manage.py. Anything else is one line in seawall.toml:

    \b
    wsgi = "module:application"     a WSGI application (Flask, …)
    asgi = "module:application"     an ASGI application (FastAPI, Starlette, …)
    command = "node app.js {port}"  any program that listens on {port} or {socket}

    If servers of an earlier `seawall up` still run, they are adopted, not restarted. Ctrl-C finishes the requests in
    flight and stops everything; a second Ctrl-C does not wait.
    """
    paths = locate(find_project(folder) if folder else project)
    if detach:
        _detached(paths)
    else:
        _foreground(paths, live=sys.stdout.isatty() and not plain)


def _foreground(paths: Paths, live: bool) -> None:
    from seawall.config import load
    from seawall.control.loop import Control
    from seawall.control.wanted import wanted
    from seawall.process import raise_open_files

    settings = load(paths.settings)
    create(paths)
    with _in_charge(paths):
        raise_open_files()
        site = wanted(settings, paths)
        if live:
            from seawall.cli.live import LiveView

            with LiveView() as view:
                control = Control(paths, site, view.tell)
                asyncio.run(_with_view(control, view))
        else:
            asyncio.run(Control(paths, site, _print).run())


async def _with_view(control: "Control", view: Any) -> None:
    drawing = asyncio.create_task(view.draw(control.status))
    try:
        await control.run()
    finally:
        drawing.cancel()


def _print(entry: dict[str, Any]) -> None:
    if not entry["kind"].startswith("route-"):
        click.echo(event_line(entry))


@contextmanager
def _in_charge(paths: Paths) -> Iterator[IO[str]]:
    """Only one control plane a site: the lock is the kernel's, so it ends with the process that holds it."""
    with paths.control_lock.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise AlreadyRunning(
                f"This site is already up (process {lock.read().strip() or 'unknown'}).",
                "Look at it: seawall status      Stop it: seawall down",
            ) from None
        lock.truncate(0)
        os.write(lock.fileno(), str(os.getpid()).encode())
        yield lock


def _detached(paths: Paths) -> None:
    create(paths)
    log = paths.logs / "control.log"
    begin = log.stat().st_size if log.exists() else 0
    with log.open("ab") as output:
        control = subprocess.Popen(
            [sys.executable, "-m", "seawall", "-C", str(paths.project), "up", "--plain"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    while control.poll() is None:
        try:
            state = client.ask(paths, "status")
        except NotRunning:
            state = {}
        if state.get("control", {}).get("pid") == control.pid and state["open"]:
            click.echo(f"{state['name']} serves {state['urls'][0]}      seawall status, seawall down")
            return
        time.sleep(0.05)
    with log.open() as text:
        text.seek(begin)
        raise ApplicationFailed("The site did not start.", f"The log is {log}", text.read())
