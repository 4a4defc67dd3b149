"""The warm process: it has imported the application once, and forks a server from itself on command."""

import asyncio
import json
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter

from seawall.fleet import interpreter
from seawall.fleet.application import Application
from seawall.fleet.inside.forks import VERSION as VERSION  # of questions and answers
from seawall.paths import Paths
from seawall.process import Process, owner

LAST_OUTPUT = 8000  # bytes
FORK_TIMEOUT = 10.0  # s
LONGEST = 4_000_000  # bytes of an answer, which may hold a traceback
GO = b"\n"  # says to a forked server that it is known


@dataclass(frozen=True)
class Advice:
    """Something in the application's settings to change, or to know."""

    level: Literal["fix", "information"]
    problem: str
    lines: tuple[str, ...]  # to add to the settings
    why: str


@dataclass(frozen=True)
class WarmReport:
    """What a warm process says of itself."""

    ready: bool = False  # it can be told to fork, or has found that it cannot be
    failed: str = ""  # the application's own traceback, or the last it printed; it is ending, or has ended
    ended: bool = False  # nobody answers any more
    version: int = 0  # of its protocol, once it has answered; 0 for that of Seawall 0.1.0
    can_fork: bool = True
    why: str = ""  # it cannot be forked
    notes: tuple[str, ...] = ()
    advice: tuple[Advice, ...] = ()
    seconds: float = field(default=0.0, compare=False)  # importing and the first request took


def spawn(application: Application, paths: Paths, name: str, strict: bool = False) -> Process:
    """Start the warm process `name`; `strict`: to take the place of one that works.

    Raises ApplicationFailed or StateUnusable.
    """
    interpreter.begin_log(paths, f"{application.kind} {application.target}")
    path = paths.warm_socket(name)
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        os.fchmod(listener.fileno(), 0o600)
        listener.bind(str(path))
        listener.listen(16)
        return interpreter.start(application, paths, listener, warm=name, strict=strict)


async def status(paths: Paths, name: str, timeout: float | None) -> WarmReport:
    """What the warm process `name` says. Not ready if it does not answer within `timeout` (s): it is importing.

    If it has ended, `failed` is what was printed last. One whose `version` is not VERSION forks no servers for us.
    """
    try:
        async with asyncio.timeout(timeout):
            with socket.socket(socket.AF_UNIX) as connection, ExitStack() as received:
                question = {"version": VERSION, "ask": "status"}
                answer, _ = await _ask(connection, paths.warm_socket(name), question, (), received)
    except TimeoutError:
        return WarmReport()
    except OSError:
        return WarmReport(failed=last_output(paths), ended=True)
    try:
        return TypeAdapter(WarmReport).validate_python({"version": 0, **answer})
    except ValueError as error:  # the application may be who answers
        return WarmReport(failed=f"What the warm process says of itself makes no sense: {error}")


async def fork(
    paths: Paths,
    warm: str,
    server: str,
    listener: socket.socket,
    beat: socket.socket | None = None,
    recorded: Callable[[Process], None] = lambda process: None,
    user: int | None = None,
    timeout: float = FORK_TIMEOUT,
    concurrency: int = 0,
) -> Process:
    """Have the server named forked from `warm`, listening on `listener`, answering heartbeats on `beat`; close yours.

    It waits until `recorded` has been called with it, and serves then. Whatever goes wrong before, our own death
    included, ends it; from then on it is whoever's `recorded` it. `user` is whom the application runs as, if not we.
    It takes `concurrency` requests at a time; 0: as many as the warm process was told. It becomes our child if we are
    PR_SET_CHILD_SUBREAPER and started the warm process; else init's.
    Raises TimeoutError, or another OSError where the warm process or the server is gone.
    """
    question = {"version": VERSION, "ask": "serve", "server": server, "concurrency": concurrency}
    with socket.socket(socket.AF_UNIX) as connection, ExitStack() as received:
        async with asyncio.timeout(timeout):
            sockets = (listener, beat) if beat else (listener,)
            answer, handles = await _ask(connection, paths.warm_socket(warm), question, sockets, received)
        if answer.get("version", 0) != VERSION:
            raise ConnectionError("the warm process is of another version of Seawall and has to be replaced")
        if "pid" not in answer or not handles:
            raise ConnectionError(f"the warm process could not fork: {answer.get('error', 'it gave no reason')}")
        process = _named(answer, handles[0], os.geteuid() if user is None else user)
        recorded(process)
        received.pop_all()
        _confirm(connection)
    return process


def _named(answer: Mapping[str, Any], handle: int, user: int) -> Process:
    """Who answers may be the application: it must not have us take any other process for its server, and end it."""
    try:
        process = Process(int(answer["pid"]), int(answer["started"]), handle)
    except (KeyError, TypeError, ValueError) as error:
        raise ConnectionError(f"the warm process does not say what it forked: {answer}") from error
    told = Path(f"/proc/self/fdinfo/{handle}").read_text()
    if f"Pid:\t{process.pid}\n" not in told or not process.alive or owner(process.pid) != user:
        raise ConnectionError("the warm process named a process that it may not speak for")
    return process


def _confirm(connection: socket.socket) -> None:
    try:
        connection.send(GO)
    except (BrokenPipeError, ConnectionResetError):
        return  # it has died, which its pidfd tells


async def _ask(
    connection: socket.socket,
    path: Path,
    question: dict[str, Any],
    sockets: tuple[socket.socket, ...],
    received: ExitStack,
) -> tuple[dict[str, Any], list[int]]:
    """One answer to one question, and the descriptors that came with it, which `received` closes."""
    connection.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connection, str(path))
    socket.send_fds(connection, [json.dumps(question).encode() + b"\n"], [each.fileno() for each in sockets])
    line, handles = b"", list[int]()
    while not line.endswith(b"\n"):
        await _readable(connection)
        part, fds, _, _ = socket.recv_fds(connection, 65536, 4, socket.MSG_CMSG_CLOEXEC)
        for fd in fds:
            received.callback(os.close, fd)
        if not part:
            raise ConnectionResetError("the warm process ended without an answer")
        if len(line) > LONGEST:
            raise ConnectionError("the warm process does not come to an end")
        line, handles = line + part, handles + fds
    try:
        return dict(json.loads(line)), handles
    except (ValueError, TypeError, RecursionError) as error:
        raise ConnectionError(f"the warm process does not answer in JSON: {line[:200]!r}") from error


async def _readable(connection: socket.socket) -> None:
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(connection, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(connection)


def last_output(paths: Paths) -> str:
    """The end of what the newest warm process and its servers, or the newest command, have printed."""
    try:
        with interpreter.log_file(paths).open("rb") as log:
            log.seek(max(0, os.path.getsize(log.name) - LAST_OUTPUT))
            text = log.read().decode(errors="replace")
    except OSError as error:
        return f"What it printed cannot be read: {error}"
    printed = text.rpartition(interpreter.MARK)
    text = printed[2].partition("\n")[2] if printed[1] else text
    return text.strip() or "It ended without printing anything."
