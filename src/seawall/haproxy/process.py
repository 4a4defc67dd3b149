"""Starting HAProxy: finding it, writing its configuration, handing it its sockets."""

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from seawall import files, members, process, rights
from seawall.errors import EngineFailed, ProgramMissing
from seawall.haproxy import quote
from seawall.haproxy.render import REFUSED, Edge, ServerAddress, error_pages, render
from seawall.model import BalancerName, Strategy
from seawall.paths import Paths
from seawall.process import Process

MINIMUM = (2, 6)  # the oldest version the configuration was tried on
MARK = "--- seawall: started "  # begins the line after which the log is a new balancer's
INSTALL = "sudo apt-get install haproxy"


def program() -> str:
    """Where HAProxy is. Raises ProgramMissing."""
    found = shutil.which("haproxy", path=rights.search_path())
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

    HAProxy checks its configuration by itself when it starts, and ends if it is wrong: see `why_not`.
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
    files.replace(paths.balancer_config(balancer), text.encode(errors="surrogateescape"))
    for name, page in error_pages().items():
        files.replace(edge.run_folder / name, page.encode())
    files.replace(edge.run_folder / REFUSED, b"")
    _begin_log(log(paths, balancer))
    return process.spawn(
        [program(), "-db", "-f", str(paths.balancer_config(balancer))],
        folder=paths.runtime,
        environment={"PATH": os.defpath, **members.marked(paths.mark, "balancer", balancer), **quote.ENVIRONMENT},
        log=log(paths, balancer),
        fds=fds,
    )


def _begin_log(path: Path) -> None:
    """Mark where the words of a new balancer begin: those of the one before may say why there is a new one."""
    with os.fdopen(files.open_to_append(path), "a") as file:
        file.write(f"{MARK}{datetime.now().isoformat(' ', 'seconds')}\n")


def why_not(paths: Paths, balancer: BalancerName) -> str:
    """Why a balancer ended that had just been started, in HAProxy's own words: its errors, else the last it wrote."""
    try:
        text = log(paths, balancer).read_text(errors="replace")
    except FileNotFoundError:
        return f"It wrote nothing: {log(paths, balancer)} is not there."
    lines = text.rpartition(MARK)[2].splitlines()[1:]
    errors = [line for line in lines if line.startswith(("[ALERT]", "[WARNING]"))]
    return "\n".join(errors or lines)[-2000:] or "It wrote nothing."
