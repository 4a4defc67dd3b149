"""One application server: its socket, its heartbeat, and starting it without a warm process."""

import asyncio
import contextlib
import grp
import json
import os
import random
import shlex
import socket
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path

from seawall import files
from seawall.errors import ApplicationFailed
from seawall.fleet import interpreter
from seawall.fleet.application import Application
from seawall.fleet.inside.work import SLOTS
from seawall.judge import Pulse
from seawall.members import marked
from seawall.model import HEALTH_PATH
from seawall.paths import Paths
from seawall.process import Process, spawn

BACKLOG = 1024
_LISTEN = "0A"  # TCP_LISTEN in include/net/tcp_states.h
MOST = 4096  # bytes of a pulse
LARGEST = 1 << 62  # number in it
PORTS = range(20000, 30000)  # below ip_local_port_range, so that no outgoing connection takes one meanwhile
_REQUEST = f"GET {HEALTH_PATH} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: seawall\r\nConnection: close\r\n\r\n".encode()


def listen(application: Application, paths: Paths, name: str) -> socket.socket:
    """A new listening socket for the server, which only we and HAProxy may connect to.

    Close it once the server has it: a socket that only a dead server held refuses connections at once.
    """
    return _listen(paths.server_socket(name))


def listen_beat(paths: Paths, name: str) -> socket.socket:
    """The same for its heartbeats, which no request can be in the way of."""
    return _listen(beat_socket(paths, name))


def _listen(path: Path) -> socket.socket:
    files.remove(path)
    listener = socket.socket(socket.AF_UNIX)
    # On Linux the socket's own mode becomes the file's, so that it is never open to others, not even for a moment.
    os.fchmod(listener.fileno(), 0o600)
    listener.bind(str(path))
    admit_balancer(f"unix@{path}")
    listener.listen(BACKLOG)
    return listener


def beat_socket(paths: Paths, name: str) -> Path:
    """Where a server answers heartbeats; a command has none, and is asked at its own address."""
    return paths.sockets / f"{name}.beat"


def address(paths: Paths, name: str) -> str:
    """The server's unix socket in HAProxy's notation."""
    return f"unix@{paths.server_socket(name)}"


def remove_sockets(paths: Paths, name: str) -> None:
    """What a server that is gone has left in the file system."""
    for path in (paths.server_socket(name), beat_socket(paths, name), paths.offered / f"{name}.sock"):
        files.remove(path)


def spawn_cold(application: Application, paths: Paths, name: str, doors: Sequence[int] = ()) -> tuple[Process, str]:
    """Start a server that no warm process forks: any command, or an application that cannot be forked.

    It enters its control groups through `doors`. Returns it and its address. Raises ApplicationFailed if the program
    cannot be started.
    """
    if application.kind == "command":
        return _spawn_command(application, paths, name, doors)
    with listen(application, paths, name) as listener, listen_beat(paths, name) as beat:
        started = interpreter.start(application, paths, listener, server=name, beat=beat, doors=doors)
        return started, address(paths, name)


def _spawn_command(application: Application, paths: Paths, name: str, doors: Sequence[int]) -> tuple[Process, str]:
    port, path = _free_port(), paths.offered / f"{name}.sock"
    files.remove(path)
    if application.user:
        _let_make_sockets(application.user[1], paths.offered)
    words = [
        word.replace("{port}", str(port)).replace("{socket}", str(path)) for word in shlex.split(application.target)
    ]
    interpreter.begin_log(paths, f"{name} {application.target}")
    marks = {"SEAWALL_SERVER": name, **marked(paths.mark, "server", name)}
    environment = {**marks, **application.environment, "PORT": str(port), **marks}
    try:
        process = spawn(
            words,
            folder=application.folder,
            environment=environment,
            log=interpreter.log_file(paths),
            user=application.user,
            doors=doors,
        )
    except OSError as error:
        raise interpreter.not_started(words[0], error, paths, "Correct `command` in seawall.toml.") from error
    return process, f"unix@{path}" if "{socket}" in application.target else f"127.0.0.1:{port}"


def _free_port() -> int:
    for port in random.sample(PORTS, 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise ApplicationFailed("There is no free port between 20000 and 30000.", "See what takes them: ss -ltn")


async def heartbeat(address: str, timeout: float | None) -> float:
    """Seconds the server takes to answer one GET of HEALTH_PATH; any HTTP answer will do, whatever its status.

    Raises TimeoutError, or another OSError where nobody listens or what comes is not HTTP.
    """
    loop = asyncio.get_running_loop()
    started = loop.time()
    async with asyncio.timeout(timeout):
        reader, writer = await _connect(address)
        try:
            writer.write(_REQUEST)
            status = await reader.readexactly(12)  # "HTTP/1.1 200"
        except asyncio.IncompleteReadError as error:
            raise ConnectionResetError(f"{address} closed the connection without an answer") from error
        finally:
            writer.close()
    if not status.startswith(b"HTTP/1.") or not status[9:].isdigit():
        raise ConnectionError(f"{address} does not speak HTTP: {status!r}")
    return loop.time() - started


async def pulse(paths: Paths, name: str, timeout: float | None, slots: int = 0) -> Pulse:
    """What a server that is no command says of its work; from now on it takes `slots` requests at a time, if above 0.

    Raises TimeoutError, or another OSError where it does not answer.
    """
    async with asyncio.timeout(timeout):
        reader, writer = await asyncio.open_unix_connection(beat_socket(paths, name))
        try:
            writer.write(_REQUEST[:-2] + f"{SLOTS}: {slots}\r\n\r\n".encode() if slots else _REQUEST)
            answer = await reader.read(MOST)
        finally:
            writer.close()
    try:
        return _pulse(json.loads(answer.partition(b"\r\n\r\n")[2]))
    except (ValueError, TypeError) as error:
        raise ConnectionError(f"{name} does not say how it is: {answer!r}") from error


def _pulse(said: Mapping[str, int]) -> Pulse:
    """A server of another release may say more, or less; a hostile application may say anything. Raises ValueError."""
    told = {each.name: int(said[each.name]) for each in fields(Pulse) if each.name in said}
    if not all(0 <= number <= LARGEST for number in told.values()):
        raise ValueError("numbers that count nothing")
    return Pulse(**told)


async def _connect(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if address.startswith("unix@"):
        with files.socket_address(Path(address.removeprefix("unix@"))) as path:
            return await asyncio.open_unix_connection(path)
    host, _, port = address.rpartition(":")
    return await asyncio.open_connection(host, int(port))


def require_own(address: str, user: int) -> None:
    """Whoever listens on a command's port is its user, who is `user`: on a machine with others, one may be quicker.

    Raises ApplicationFailed.
    """
    host, _, port = address.rpartition(":")
    if host == "127.0.0.1" and (others := _listening(int(port)) - {user}):
        raise ApplicationFailed(
            f"Port {port} is answered by a program of user {others.pop()}, not by the application.",
            "Use {socket} instead of {port}, which nobody else can take.",
        )


def _listening(port: int) -> set[int]:
    """The users whose sockets listen on a port (proc(5), /proc/net/tcp)."""
    lines = [
        line.split()
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        if os.path.exists(table)
        for line in Path(table).read_text().splitlines()[1:]
    ]
    return {int(line[7]) for line in lines if line[3] == _LISTEN and line[1].endswith(f":{port:04X}")}


def take(paths: Paths, name: str, address: str) -> str:
    """The address of a server that has begun to listen, where nobody but we can put anything else in its place.

    A command's user may write to the folder in which it makes its socket: a link there would lead balancers to the
    servers of another site. Raises OSError if what it has made is no socket.
    """
    offered = paths.offered / f"{name}.sock"
    if address != f"unix@{offered}":
        return address
    os.rename(offered, paths.server_socket(name))
    with files.socket_address(paths.server_socket(name)):
        return f"unix@{paths.server_socket(name)}"


def admit_balancer(address: str) -> None:
    """Where we are root, HAProxy is another user: give its group the socket, once it is there.

    A command makes its socket itself, for its own user only. By descriptor, never through a symbolic link: a command's
    user may write to the folder.
    """
    if os.geteuid() != 0 or not address.startswith("unix@"):
        return
    try:
        group = grp.getgrnam("haproxy").gr_gid
    except KeyError:
        return
    with files.socket_address(Path(address.removeprefix("unix@"))) as path:
        os.chown(path, -1, group)
        os.chmod(path, 0o660)


def _let_make_sockets(group: int, folder: Path) -> None:
    """Where the command runs as another user than we, its group may make sockets in the folder, and remove its own."""
    os.chown(folder, -1, group)
    folder.chmod(0o1731)
