"""`seawall up`: serves the application and stays in charge of it."""

import asyncio
import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seawall import files, members
from seawall.cli.project import find_project
from seawall.cli.show import event_line, not_enforced
from seawall.control import client
from seawall.control.told import for_people
from seawall.errors import AlreadyRunning, ApplicationFailed, ConfigError, NotRunning, SeawallError
from seawall.paths import Paths, create, locate
from seawall.program import command

if TYPE_CHECKING:
    from seawall.config import Settings
    from seawall.control.lock import Lock
    from seawall.control.loop import Control
    from seawall.control.wanted import Wanted


LEAVE = 10.0  # s a control plane may take to leave


@click.command("up")
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("-d", "--detach", is_flag=True, help="Return once the site serves; it goes on in the background.")
@click.option(
    "--plain", is_flag=True, help="Log lines instead of the live view. The default where output is no terminal."
)
@click.option(
    "--replace", is_flag=True, help="Put this control plane in the place of the running one. Nothing else is stopped."
)
@click.pass_obj
def up_command(project: Path, folder: Path | None, detach: bool, plain: bool, replace: bool) -> None:
    """Serve the application in FOLDER (or this one) to the world.

    A Django project is found by its manage.py. Anything else is one line in seawall.toml:

    \b
    wsgi = "module:application"     a WSGI application (Flask, …)
    asgi = "module:application"     an ASGI application (FastAPI, Starlette, …)
    command = "node app.js {port}"  any program that listens on {port} or {socket}

    If servers of an earlier `seawall up` still run, they are adopted, not restarted. Ctrl-C finishes the requests in
    flight and stops everything; a second Ctrl-C does not wait. After an upgrade of Seawall, --replace changes the
    control plane under the running site.
    """
    paths = locate(find_project(folder) if folder else project)
    if detach or (replace and not plain and _in_background(paths)):  # plain: what _detached starts
        _detached(paths, replace)
    else:
        _foreground(paths, live=sys.stdout.isatty() and not plain, replace=replace)


def _unmarked() -> dict[str, str]:
    """Our environment: a site that is started from a server of another one is not part of that."""
    return {name: value for name, value in os.environ.items() if name not in (members.SITE, members.PROCESS)}


def _foreground(paths: Paths, live: bool, replace: bool) -> None:
    if members.SITE in os.environ:
        # What /proc shows of a process's environment is what it was started with.
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], _unmarked())
    from seawall.control.loop import Control
    from seawall.control.wanted import wanted
    from seawall.process import raise_open_files

    settings = _prepare(paths)
    raise_open_files()
    if replace:
        # An error here leaves the running one where it is.
        _require_same_place(paths, wanted(settings, paths))
        _end_control(paths)
    with _in_charge(paths) as lock:
        site = wanted(settings, paths)
        if live:
            from seawall.cli.live import LiveView

            with LiveView() as view:
                control = Control(paths, site, lock, view.tell)
                asyncio.run(_with_view(control, view))
        else:
            asyncio.run(Control(paths, site, lock, _print).run())


@contextlib.contextmanager
def _in_charge(paths: Paths) -> Iterator["Lock"]:
    """Hold the lock of a site. Where another control plane does, say also what it has not heard of in seawall.toml."""
    from seawall.control.lock import in_charge

    with contextlib.ExitStack() as held:
        try:
            lock = held.enter_context(in_charge(paths))
        except AlreadyRunning as error:
            raise _with_difference(paths, error) from None
        yield lock


def _with_difference(paths: Paths, running: AlreadyRunning) -> AlreadyRunning:
    from seawall.cli.changes import table

    try:
        told = client.ask(paths, "reload", dry_run=True)
    except ConfigError as error:
        return AlreadyRunning(f"{running.problem} And seawall.toml is wrong: {error.problem}", running.remedy)
    except SeawallError:  # it does not answer, or is of a Seawall that cannot compare
        return running
    if not told["changes"] and not told["refused"]:
        return running
    problem = running.problem.removesuffix(".") + ", and seawall.toml differs from what runs."
    return AlreadyRunning(problem, f"Apply it: seawall reload\n{running.remedy}", "\n".join(table(told)))


def _prepare(paths: Paths) -> "Settings":
    """Make the site's folders, once it is known that there is something to serve."""
    from seawall.config import load
    from seawall.fleet.application import find

    settings = load(paths.settings)
    find(settings, paths.project)
    create(paths)
    return settings


def _require_same_place(paths: Paths, site: "Wanted") -> None:
    from seawall.control import record
    from seawall.control.opening import require_same_place

    found = record.read(paths)
    if found and found.get("listeners"):
        require_same_place(found["listeners"], site)


def _in_background(paths: Paths) -> bool:
    """Whether the running control plane has no terminal: then the one in its place is to have none either."""
    from seawall.control.lock import holder

    control = holder(paths)
    if control is None:
        return False
    try:
        return not control.has_terminal
    finally:
        control.close()


def _end_control(paths: Paths) -> None:
    """End the control plane alone. One that cannot be asked to leave may be killed: what it started goes on."""
    from seawall.control.lock import holder

    control = holder(paths)
    if control is None:
        return
    try:
        client.ask(paths, "leave")
    except SeawallError:
        control.signal(signal.SIGKILL)
    if not select.select([control.pidfd], [], [], LEAVE)[0]:
        control.signal(signal.SIGKILL)
        select.select([control.pidfd], [], [])
    control.close()


async def _with_view(control: "Control", view: Any) -> None:
    drawing = asyncio.create_task(view.draw(control.status))
    try:
        await control.run()
    finally:
        drawing.cancel()


def _print(entry: dict[str, Any]) -> None:
    if for_people(entry):
        click.echo(event_line(entry))


def _detached(paths: Paths, replace: bool) -> None:
    _prepare(paths)
    if not replace:
        with _in_charge(paths):  # who is refused here is told so once, and not by a log
            pass
    log = paths.logs / "control.log"
    begin = log.stat().st_size if log.exists() else 0
    with os.fdopen(files.open_to_append(log), "ab") as output:
        control = subprocess.Popen(
            command("-C", str(paths.project), "up", "--plain", *(["--replace"] if replace else [])),
            env=_unmarked(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        state = _opened(paths, control)
    except KeyboardInterrupt:
        if replace:
            click.echo("It goes on in the background: seawall status, seawall down", err=True)
        else:  # as in the foreground
            control.terminate()
            control.wait()
        raise
    if state:
        click.echo(f"{state['name']} serves {state['urls'][0]}      seawall status, seawall down")
        if missing := state["limits"]["missing"]:
            click.echo(f"Note: {not_enforced(missing)}\n{state['limits']['remedy']}".rstrip())
        _tell_advice(state["advice"])
        return
    from seawall.process import signal_name

    with log.open(errors="replace") as text:
        text.seek(begin)
        killed = f" It was killed by {signal_name(-control.returncode)}." if control.returncode < 0 else ""
        raise ApplicationFailed(f"The site did not start.{killed}", f"The log is {log}", text.read())


def _opened(paths: Paths, control: subprocess.Popen[bytes]) -> dict[str, Any]:
    """The state of the site, as soon as it serves; nothing if its control plane has ended before."""
    while control.poll() is None:
        try:
            state = client.ask(paths, "status")
        except NotRunning:
            state = {}
        if state.get("control", {}).get("pid") == control.pid and state["open"]:
            return state
        time.sleep(0.05)
    return {}


def _tell_advice(advice: list[dict[str, Any]]) -> None:
    for one in advice:
        if one["level"] == "fix":
            click.echo(f"\nTo fix: {one['problem']}")
            for line in one["lines"]:
                click.echo(f"    {line}")
