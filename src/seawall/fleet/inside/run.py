"""The life of a process inside: import the application, warm it up, then fork servers, or be one."""

import faulthandler
import gc
import importlib
import os
import signal
import socket
import sys
import time
from typing import Any, NoReturn

from . import borrow, connections, forks, setup, sharing, warmup
from .facts import advice
from .foreign import Foreign, explain
from .load import django_settings, load
from .setup import Serve, Setup

FAILURE_KEPT = 10.0  # s a failure waits to be asked for
EXIT_HOOKS = 5.0  # s what the application does at its exit may take after a failure, its threads included


def run(fd: int) -> None:
    told = setup.read(fd)
    setup.entitle(os.environ["SEAWALL_PROCESS"].partition("/")[2])
    borrow.lend(told.borrow)
    _import_server(told)
    sys.path.insert(0, os.getcwd())
    gc.disable()  # nothing that an import makes is garbage
    commands = socket.socket(fileno=told.listener)
    os.set_inheritable(told.listener, False)
    if told.report is not None:
        forks.answer(commands, told.report)
    elif told.server:
        serve(told, _application(told), commands)
    else:
        warm(told, commands)


def serve(told: Setup, application: Any, listener: socket.socket) -> None:
    """Be one server, started cold."""
    serve_one = prepare(told, application)
    beat = socket.socket(fileno=told.beat) if told.beat >= 0 else None
    if beat:
        beat.set_inheritable(False)
    gc.enable()
    serve_one(told.server, listener, beat)


def _import_server(told: Setup) -> None:
    """What serves, and all it imports itself, before the application's folder is on the path.

    As with gunicorn and uvicorn by themselves: an application may have a `queue.py` or a `logging.py` of its own.
    """
    importlib.import_module("whitenoise")
    if told.report is None:
        importlib.import_module(".asgi" if told.kind == "asgi" else ".wsgi", __package__)


def prepare(told: Setup, application: Any) -> Serve:
    """All of a server that can be made before the fork. What it returns serves until SIGTERM."""
    if told.kind == "asgi":
        from . import asgi

        return asgi.prepare(application, told)
    from . import wsgi

    return wsgi.prepare(application, told)


def warm(told: Setup, commands: socket.socket) -> None:
    """Import, answer one request, fork on command. Executes itself again where what it has become cannot be forked."""
    started = time.monotonic()
    known = sharing.sockets()
    _keep_signals()
    application = _application(told, commands)
    notes, fine = warmup.request(application, told) if told.warm_path and told.kind != "asgi" else ("", True)
    told.notes += [notes] if notes else []
    facts = advice(django_settings(), told)
    connections.close()
    serve_one = prepare(told, application)
    report = {"ready": True, "can_fork": True, "why": "", "notes": told.notes, "advice": facts}
    report["seconds"] = time.monotonic() - started
    why = sharing.obstacle(known) if fine else f"it took longer than warm_timeout = {told.warm_timeout:g} s"
    if why:
        _not_like_this(told, report, why)
    _keep_signals()
    gc.collect()
    # What is imported stays: no collection in a server looks at it again, which would also copy every page of it.
    # The thresholds stay Python's own: after this, 700 to 50000 made no difference beyond noise (2 %).
    gc.freeze()
    server = forks.wait(commands, report)
    gc.enable()
    told.concurrency = server.concurrency or told.concurrency
    serve_one(server.name, server.listener, server.beat)


def _not_like_this(told: Setup, report: dict[str, Any], why: str) -> NoReturn:
    """Try once more without the request; after that give up forking, and drop the threads and connections."""
    if told.warm_path and told.kind != "asgi":
        told.notes.append(f"After its first request the application could not be forked: {why}. It is forked without.")
        told.warm_path = ""
    else:
        told.report = {**report, "can_fork": False, "why": why}
    setup.again(told)


def _application(told: Setup, commands: socket.socket | None = None) -> Any:
    """The application; if it cannot be imported, its traceback goes to the log and to whoever asks, and we end."""
    with Foreign() as call:
        return load(told)
    assert call.error is not None
    failure = explain(call.error)
    sys.stderr.write(failure)
    if commands:
        forks.answer(commands, {"ready": False, "failed": failure}, FAILURE_KEPT)
        commands.close()  # from now on it has ended for whoever asks
    _end_within(EXIT_HOOKS)
    sys.exit(1)


def _end_within(seconds: float) -> None:
    """End by then, whatever exit hooks and threads of the application do: this counts outside the interpreter."""
    faulthandler.dump_traceback_later(seconds, exit=True, file=open(os.devnull, "w"))  # noqa: SIM115


def _keep_signals() -> None:
    """A closed terminal must not end the warm process; and we wait for our children whatever the application set."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
