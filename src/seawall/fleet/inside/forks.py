"""The warm process's loop: answers questions on its command socket and forks a server for each that is asked for."""

import contextlib
import errno
import json
import os
import signal
import socket
import sys
import time
from typing import Any

CLIENT_TIMEOUT = 2.0  # s a client may take to say what it wants
PAUSE = 0.01  # s after something went wrong, which may go on


def wait(commands: socket.socket, report: dict[str, Any]) -> tuple[str, socket.socket]:
    """Serve the command socket for ever. Returns only in a forked server: its name and its listening socket."""
    while True:
        try:
            started = _one(commands, report)
        except (OSError, ValueError, KeyError):  # a client that vanished or talks nonsense, or no file descriptors left
            time.sleep(PAUSE)
            continue
        if started is not None:
            return started


def answer(commands: socket.socket, report: dict[str, Any], timeout: float | None = None) -> None:
    """Answer every question with `report`; with `timeout` only the first, and only if it comes within that time (s)."""
    commands.settimeout(timeout)
    while True:
        with contextlib.suppress(OSError, ValueError):
            try:
                client, _ = commands.accept()
            except TimeoutError:
                return
            with client, contextlib.ExitStack() as received:
                client.settimeout(CLIENT_TIMEOUT)
                # Closing with the question unread would reset the connection before the answer is read, see unix(7).
                _receive(client, received)
                client.sendall(json.dumps(report).encode() + b"\n")
            if timeout is not None:
                return


def _one(commands: socket.socket, report: dict[str, Any]) -> tuple[str, socket.socket] | None:
    client, _ = commands.accept()
    with client, contextlib.ExitStack() as received:
        client.settimeout(CLIENT_TIMEOUT)
        request, sockets = _receive(client, received)
        if request["ask"] != "fork":
            client.sendall(json.dumps(report).encode() + b"\n")
            return None
        name, listener = str(request["server"]), sockets[0]
        try:
            pid = _fork()
        except OSError as error:
            client.sendall(json.dumps({"error": error.strerror}).encode() + b"\n")
            return None
        if pid is None:
            received.pop_all()
            commands.close()
            _become(name)
            return name, listener
        client.sendall(json.dumps({"pid": pid}).encode() + b"\n")
        return None


def _receive(client: socket.socket, received: contextlib.ExitStack) -> tuple[dict[str, Any], list[socket.socket]]:
    """One JSON line and the sockets that came with it. Raises ValueError for anything else."""
    line, sockets = b"", []
    while not line.endswith(b"\n"):
        data, fds, _, _ = socket.recv_fds(client, 4096, 4, socket.MSG_CMSG_CLOEXEC)
        sockets += [received.enter_context(socket.socket(fileno=fd)) for fd in fds]
        if not data or len(line) > 65536:
            raise ValueError("not a line of JSON")
        line += data
    request = json.loads(line)
    if not isinstance(request, dict) or (request.get("ask") == "fork" and not sockets):
        raise ValueError("not a request")
    return request, sockets


def _fork() -> int | None:
    """Fork twice, so that the server is the control plane's child. Returns the server's pid, and None in the server.

    The one in between ends at once; its child goes to the nearest PR_SET_CHILD_SUBREAPER above, see prctl(2).
    """
    read, write = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    middle = os.fork()
    if middle == 0:
        if _second_fork(write):
            os.close(read)
            os.close(write)
            return None
        os._exit(0)
    os.close(write)
    with open(read, "rb") as pipe:
        number = int(pipe.read())
    os.waitpid(middle, 0)
    if number <= 0:
        raise OSError(-number, os.strerror(-number))
    return number


def _second_fork(write: int) -> bool:
    """Whether we are the server; else its pid, or the error's number below 0, has been written."""
    try:
        pid = os.fork()
    except OSError as error:
        pid = -(error.errno or errno.EAGAIN)
    if pid:
        os.write(write, str(pid).encode())
    return pid == 0


def _become(name: str) -> None:
    os.environ["SEAWALL_SERVER"] = name
    os.setsid()  # its own process group, so that what the application starts can be signalled with it
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)
    with open("/proc/self/comm", "w") as comm:
        comm.write(f"seawall {name}")
