"""Talks to the control plane of a site over its unix socket: one JSON object a line, a request and its answers."""

import json
import socket
import time
from collections.abc import Iterator
from typing import Any

from seawall import errors
from seawall.control.lock import holder
from seawall.paths import Paths
from seawall.sites import run_by_another

VERSION = 1  # of what is asked: see api.py
NEXT = 5.0  # s after the end of a control plane another one may take to begin
BEGINS = 30.0  # s it may then take to answer
ALL = 500  # events: a control plane remembers no more


def ask(paths: Paths, verb: str, **arguments: Any) -> dict[str, Any]:
    """The first answer to a request. Raises NotRunning if nobody answers, or the error the control plane names."""
    for answer in stream(paths, verb, **arguments):
        return answer
    raise errors.NotRunning("The control plane closed the connection without an answer.", "Look at: seawall events")


def stream(paths: Paths, verb: str, **arguments: Any) -> Iterator[dict[str, Any]]:
    """All answers to a request, as they come."""
    try:
        yield from _answers(paths, {"version": VERSION, "verb": verb, **arguments})
    except errors.SeawallError as error:
        # The control plane of 0.1.0 knows no versions, and takes what it does not know for nonsense.
        if "'version'" not in error.problem:
            raise
        yield from _answers(paths, {"verb": verb, **arguments})


def follow_events(paths: Paths, number: int) -> Iterator[dict[str, Any]]:
    """The last `number` events and those that come, of the next control plane too, until the site is stopped.

    Raises NotRunning where no control plane takes the place of one that ended.
    """
    while True:
        told = False
        try:
            for event in stream(paths, "events", follow=True, number=number):
                told = True
                yield event
        except errors.NotRunning:
            if not told:
                raise
        if not paths.processes.exists():
            return
        _await_next(paths)
        number = ALL


def _await_next(paths: Paths) -> None:
    ended = time.monotonic()
    while True:
        try:
            ask(paths, "status")
            return
        except errors.NotRunning:
            taken = time.monotonic() - ended
            if taken > BEGINS or (taken > NEXT and not _in_charge(paths)):
                raise
        time.sleep(0.1)


def _in_charge(paths: Paths) -> bool:
    """Whether there is a control plane, which may not answer yet."""
    if control := holder(paths):
        control.close()
    return control is not None


def _answers(paths: Paths, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        try:
            connection.connect(str(paths.control_socket))
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
            raise _not_running(paths) from None
        except PermissionError:
            raise errors.NotRunning(
                f"The site in {paths.project} belongs to another user.", "Run the command as that user."
            ) from None
        try:
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile() as lines:
                for line in lines:
                    yield _unwrap(json.loads(line))
                    connection.settimeout(None)
        except TimeoutError:
            raise errors.NotRunning(
                "The control plane of this site does not answer; what it started may still serve.",
                "Put another in its place: seawall up --replace      End everything: seawall down",
            ) from None
        except ConnectionError:
            raise errors.NotRunning(
                "The control plane of this site has ended meanwhile; what it started may still serve.",
                "Take charge of it again: seawall up      Look at what happened: seawall events",
            ) from None


def _not_running(paths: Paths) -> errors.NotRunning:
    if paths.processes.exists():
        return errors.NotRunning(
            "The control plane of this site is not running; what it started may still serve.",
            "Take charge of it again: seawall up      Stop it all: seawall down",
        )
    nobody = errors.NoSite(f"No site runs from {paths.project}.", "Start it: seawall up")
    return run_by_another(paths.project) or nobody


def _unwrap(answer: dict[str, Any]) -> dict[str, Any]:
    if error := answer.get("error"):
        kind = getattr(errors, error["name"], errors.SeawallError)
        raise kind(error["problem"], error["remedy"], error.get("detail", ""))
    return answer
