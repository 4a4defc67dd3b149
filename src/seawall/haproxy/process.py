"""Starting HAProxy: finding it, writing its configuration, handing it its sockets."""

import asyncio
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from seawall import process
from seawall.errors import EngineFailed, ProgramMissing
from seawall.haproxy import quote
from seawall.haproxy.render import REFUSED, Edge, ServerAddress, error_pages, render
from seawall.haproxy.socket import RuntimeSocket
from seawall.model import BalancerName, Strategy
from seawall.paths import Paths
from seawall.process import Process

MINIMUM = (2, 6)  # the oldest version the configuration was tried on
INSTALL = "sudo apt-get install haproxy"


def program() -> str:
    """Where HAProxy is. Raises ProgramMissing."""
    # Debian keeps it in /usr/sbin, which is not in the path of ordinary users.
    found = shutil.which("haproxy", path=os.environ.get("PATH", os.defpath) + ":/usr/local/sbin:/usr/sbin:/sbin")
    if found is None:
        raise ProgramMissing("HAProxy is not installed.", f"Install it: {INSTALL}")
    return found


def version() -> tuple[int, int]:
    """HAProxy's version, such as (2, 6). Raises ProgramMissing if there is none or it is too old."""
    words = subprocess.run([program(), "-v"], capture_output=True, text=True, check=False).stdout
    match = re.search(r"version (\d+)\.(\d+)", words)
    if match is None:
        raise EngineFailed(f"{program()} does not tell its version.", detail=words)
    found = (int(match[1]), int(match[2]))
    if found < MINIMUM:
        raise ProgramMissing(
            f"HAProxy {found[0]}.{found[1]} is too old; 2.6 is needed.", f"Install a newer one: {INSTALL}"
        )
    return found


def log(paths: Paths, balancer: BalancerName) -> Path:
    return paths.logs / f"balancer-{balancer}.log"


def spawn(
    edge: Edge,
    balancer: BalancerName,
    paths: Paths,
    sockets: Sequence[socket.socket],
    servers: Sequence[ServerAddress],
    strategy: Strategy,
) -> Process:
    """Start a balancer on the listening sockets `sockets`: HTTP, and HTTPS if it is served. Does not wait for it.

    HAProxy checks its configuration by itself when it starts, and ends if it is wrong: see `wait_ready`.
    Raises ProgramMissing, OSError.
    """
    fds = [listening.fileno() for listening in sockets]
    text = render(
        edge,
        balancer=balancer,
        runtime_socket=paths.balancer_socket(balancer),
        http_fd=fds[0],
        https_fd=fds[1] if len(fds) > 1 else None,
        servers=servers,
        strategy=strategy,
    )
    _write(paths.balancer_config(balancer), text)
    for name, page in error_pages().items():
        _write(edge.run_folder / name, page)
    (edge.run_folder / REFUSED).touch()
    log(paths, balancer).write_text("")
    return process.spawn(
        [program(), "-db", "-f", str(paths.balancer_config(balancer))],
        folder=paths.runtime,
        environment={"PATH": os.defpath, **quote.ENVIRONMENT},
        log=log(paths, balancer),
        fds=fds,
    )


def _write(path: Path, text: str) -> None:
    """Replace a file at once: the other balancer may be reading it."""
    temporary = path.with_name(path.name + ".new")
    temporary.write_text(text)
    temporary.replace(path)


async def wait_ready(started: Process, balancer: BalancerName, paths: Paths, timeout: float = 5.0) -> None:
    """Wait until a balancer just started answers, `timeout` seconds at most. Raises EngineFailed in HAProxy's words."""
    runtime = RuntimeSocket(paths.balancer_socket(balancer))
    deadline = asyncio.get_running_loop().time() + timeout
    while asyncio.get_running_loop().time() < deadline:
        if not started.alive:
            raise EngineFailed("HAProxy does not start.", f"It wrote: {log(paths, balancer)}", words(paths, balancer))
        if await _answers(runtime, started.pid):
            return
        await asyncio.sleep(0.005)
    raise EngineFailed(f"HAProxy started but did not answer in {timeout:g} s.", detail=words(paths, balancer))


async def _answers(runtime: RuntimeSocket, pid: int) -> bool:
    """A predecessor's socket may still be there, so the answer counts only if it comes from `pid`."""
    try:
        return (await runtime.info()).get("Pid") == str(pid)
    except OSError:
        return False


def words(paths: Paths, balancer: BalancerName) -> str:
    """What HAProxy had to say last, its warnings and errors, without the routine notices."""
    try:
        lines = log(paths, balancer).read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return ""
    return "\n".join(line for line in lines if not line.startswith("[NOTICE]"))[-2000:]
