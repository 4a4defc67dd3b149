"""The warm process's loop: answers questions on its command socket and forks a server for each that is asked for."""

import array
import contextlib
import errno
import json
import os
import signal
import socket
import sys
import time
from typing import Any, NamedTuple

from . import setup

VERSION = 1  # of the questions and answers, see `seawall.fleet.warm`
CLIENT_TIMEOUT = 2.0  # s a client may take to say what it wants
PAUSE = 0.01  # s after something went wrong, which may go on
# What Python ignores from its start, and what it may have been told to explain (python -X faulthandler).
IGNORED = frozenset({signal.SIGPIPE, signal.SIGXFSZ})
FAULTS = frozenset({signal.SIGSEGV, signal.SIGFPE, signal.SIGABRT, signal.SIGBUS, signal.SIGILL})


class Server(NamedTuple):
    """What a forked process is to be."""

    name: str
    listener: socket.socket
    beat: socket.socket | None
    concurrency: int  # requests it takes at a time; 0: as many as was said to the warm process


def wait(commands: socket.socket, report: dict[str, Any]) -> Server:
    """Serve the command socket for ever. Returns only in a forked server, once whoever asked for it knows its pid."""
    while True:
        try:
            server = _one(commands, report)
        except (OSError, ValueError, KeyError):  # a client that vanished or talks nonsense, or no file descriptors left
            time.sleep(PAUSE)
            continue
        if server is not None:
            return server


def answer(commands: socket.socket, report: dict[str, Any], timeout: float | None = None) -> None:
    """Answer every question with `report`; with `timeout` (s) only until one has been answered, or that has passed."""
    deadline = None if timeout is None else time.monotonic() + timeout
    while deadline is None or time.monotonic() < deadline:
        try:
            commands.settimeout(None if deadline is None else max(PAUSE, deadline - time.monotonic()))
            client, _ = commands.accept()
            with client, contextlib.ExitStack() as received:
                client.settimeout(CLIENT_TIMEOUT)
                # Closing with the question unread would reset the connection before the answer is read, see unix(7).
                _receive(client, received)
                _say(client, report)
        except (OSError, ValueError):
            time.sleep(PAUSE)
            continue
        if deadline is not None:
            return


def _one(commands: socket.socket, report: dict[str, Any]) -> Server | None:
    client, _ = commands.accept()
    with client, contextlib.ExitStack() as received:
        client.settimeout(CLIENT_TIMEOUT)
        try:
            request, sockets = _receive(client, received)
            # A control plane of 0.1.0 asks for a "fork", and confirms nothing.
            confirms = request["ask"] == "serve"
            if not confirms and request["ask"] != "fork":
                _say(client, report)
                return None
            if confirms and request.get("version") != VERSION:
                _say(client, {"error": f"it speaks version {VERSION} of the protocol"})
                return None
            server = Server(
                str(request["server"]),
                sockets[0],
                sockets[1] if len(sockets) > 1 else None,
                int(request.get("concurrency", 0)),
            )
            forked = _fork()
        except OSError as error:
            _say(client, {"error": error.strerror or str(error)})
            return None
        if not forked:
            return None
        received.pop_all()
        commands.close()
        _begin(server.name, client, confirms)
        return server


def _say(client: socket.socket, answer: dict[str, Any], fds: tuple[int, ...] = ()) -> None:
    line = json.dumps({"version": VERSION, **answer}).encode() + b"\n"
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    sent = client.sendmsg([line], rights)
    if sent < len(line):  # to send nothing fails where the client has gone, as it may have with its answer
        client.sendall(line[sent:])


def _receive(client: socket.socket, received: contextlib.ExitStack) -> tuple[dict[str, Any], list[socket.socket]]:
    """One JSON line and the sockets that came with it. Raises ValueError for anything else."""
    line, sockets = b"", []
    while not line.endswith(b"\n"):
        data, fds, flags, _ = socket.recv_fds(client, 4096, 4, socket.MSG_CMSG_CLOEXEC)
        sockets += [received.enter_context(socket.socket(fileno=fd)) for fd in fds]
        if flags & socket.MSG_CTRUNC:  # there were more, for which we had no number left
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        if not data or len(line) > 65536:
            raise ValueError("not a line of JSON")
        line += data
    request = json.loads(line)
    if not isinstance(request, dict) or (request.get("ask") in ("serve", "fork") and not sockets):
        raise ValueError("not a request")
    return request, sockets


def _fork() -> bool:
    """Fork twice, so that the server is the control plane's child. Whether we are the server. Raises OSError.

    The one in between ends at once; its child goes to the nearest PR_SET_CHILD_SUBREAPER above, see prctl(2).
    """
    sys.stdout.flush()
    sys.stderr.flush()
    middle = os.fork()
    if middle == 0:
        try:
            child = os.fork()
        except OSError as error:
            os._exit(error.errno or errno.EAGAIN)
        if child:
            os._exit(0)
        return True
    number = os.waitstatus_to_exitcode(os.waitpid(middle, 0)[1])
    if number < 0:
        raise ChildProcessError(f"signal {-number} ended the process that was to fork it")
    if number:
        raise OSError(number, os.strerror(number))
    return False


def _begin(name: str, client: socket.socket, confirms: bool) -> None:
    """Become the server, and tell who asked for it its pid. Returns once that is known; ends where nobody listens.

    The pidfd names this process even when it has ended and its number is used again.
    """
    try:
        _become(name)
        handle = os.pidfd_open(os.getpid())
        _say(client, {"pid": os.getpid(), "started": _started()}, (handle,))
        os.close(handle)
        client.settimeout(None)
        if not confirms or client.recv(1):
            return
    except OSError as error:
        with contextlib.suppress(OSError):
            _say(client, {"error": error.strerror or str(error)})
    os._exit(1)  # not sys.exit: the exit hooks are the warm process's, and so is the loop we come from


def _started() -> int:
    """When this process started, in clock ticks since boot (proc(5), stat field 22)."""
    with open("/proc/self/stat", errors="replace") as file:
        return int(file.read().rpartition(")")[2].split()[19])


def _become(name: str) -> None:
    os.environ["SEAWALL_SERVER"] = name
    os.environ["SEAWALL_PROCESS"] = f"server/{name}"  # for what it starts: seawall/members.py
    os.setsid()  # its own process group, so that what the application starts can be signalled with it
    _reset_signals()
    setup.entitle(name)


def _reset_signals() -> None:
    """As in a fresh interpreter, whatever the application has set in the warm process: SIGTERM ends it from now on."""
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP} - FAULTS:
        signal.signal(number, signal.SIG_IGN if number in IGNORED else signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
