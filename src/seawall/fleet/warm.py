"""The warm process: it has imported the application once, and forks a server from itself on command."""

import asyncio
import json
import os
import socket
from dataclasses import dataclass, field
from typing import Any, Literal

from seawall.fleet import interpreter
from seawall.fleet.application import Application
from seawall.paths import Paths
from seawall.process import Process

PROTOCOL = 1  # version of questions and answers; another one's warm process is replaced, its servers stay
LAST_OUTPUT = 8000  # bytes
FORK_TIMEOUT = 10.0  # s


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
    failed: str = ""  # the application's own traceback, or the last it printed
    said: bool = True  # False: it ended without a word, and `failed` is what was printed last
    can_fork: bool = True
    why: str = ""  # it cannot be forked
    notes: tuple[str, ...] = ()
    advice: tuple[Advice, ...] = ()
    seconds: float = field(default=0.0, compare=False)  # importing and the first request took


def spawn(application: Application, paths: Paths, name: str) -> Process:
    """Start the warm process `name`. Raises ApplicationFailed or StateUnusable."""
    interpreter.begin_log(paths, f"{application.kind} {application.target}")
    path = paths.warm_socket(name)
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        os.fchmod(listener.fileno(), 0o600)
        listener.bind(str(path))
        listener.listen(16)
        return interpreter.start(application, paths, listener)


async def status(paths: Paths, name: str, timeout: float | None) -> WarmReport:
    """What the warm process `name` says. Not ready if it does not answer within `timeout` (s): it is importing.

    If it has ended, `failed` is what was printed last.
    """
    try:
        async with asyncio.timeout(timeout):
            answer = await _ask(paths, name, {"ask": "status"})
    except TimeoutError:
        return WarmReport()
    except OSError:
        return WarmReport(failed=last_output(paths), said=False)
    advice = tuple(Advice(**{**one, "lines": tuple(one["lines"])}) for one in answer.pop("advice", ()))
    return WarmReport(advice=advice, notes=tuple(answer.pop("notes", ())), **answer)


async def fork(paths: Paths, warm: str, server: str, listener: socket.socket, timeout: float = FORK_TIMEOUT) -> Process:
    """Have the server named forked from the warm process `warm`, listening on `listener`; close yours.

    It becomes our child if we are PR_SET_CHILD_SUBREAPER and started the warm process; else init's.
    Raises TimeoutError, or another OSError where the warm process or the server is gone.
    """
    async with asyncio.timeout(timeout):
        answer = await _ask(paths, warm, {"ask": "fork", "server": server}, listener)
    if "pid" not in answer:
        raise ConnectionError(f"the warm process could not fork: {answer.get('error', 'it gave no reason')}")
    pid = int(answer["pid"])
    return Process.adopt(pid) or Process(pid, -1, os.pidfd_open(pid))


async def _ask(
    paths: Paths, warm: str, question: dict[str, Any], listener: socket.socket | None = None
) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.setblocking(False)
        await loop.sock_connect(connection, str(paths.warm_socket(warm)))
        line = json.dumps(question).encode() + b"\n"
        socket.send_fds(connection, [line], [listener.fileno()] if listener else [])
        answer = b""
        while not answer.endswith(b"\n"):
            part = await loop.sock_recv(connection, 65536)
            if not part:
                raise ConnectionResetError("the warm process ended without an answer")
            answer += part
    return dict(json.loads(answer))


def last_output(paths: Paths) -> str:
    """The end of what the newest warm process and its servers, or the newest command, have printed."""
    with interpreter.log_file(paths).open("rb") as log:
        log.seek(max(0, os.path.getsize(log.name) - LAST_OUTPUT))
        text = log.read().decode(errors="replace")
    printed = text.rpartition(interpreter.MARK)
    text = printed[2].partition("\n")[2] if printed[1] else text
    return text.strip() or "It ended without printing anything."
