"""What `seawall doctor` looks at on the machine. Each check returns what it found, or raises what is missing."""

import ctypes
import os
import platform
import pwd
import socket
import sys
import time
from pathlib import Path

import seawall
from seawall.errors import EngineFailed, ProgramMissing, SeawallError
from seawall.haproxy import process
from seawall.haproxy.listeners import Listeners
from seawall.process import raise_open_files

ENOUGH_FILES = 16384
"""A visitor takes up to two files in the balancer; 10,000 idle ones must not exhaust it."""

TIME_ERROR = 5
"""adjtimex(2): the clock is not synchronised."""


class Note(SeawallError):
    """Worth knowing, but the site works."""


def python() -> str:
    if sys.version_info < (3, 11):  # noqa: UP036  the package may be run from a checkout
        raise ProgramMissing(f"Python {platform.python_version()}; 3.11 is needed.", "sudo apt-get install python3.11")
    return f"{platform.python_version()} at {sys.executable}"


def haproxy() -> str:
    major, minor = process.version()
    return f"{major}.{minor} at {process.program()}"


def haproxy_user() -> str:
    if os.geteuid() != 0:
        return "it runs as you"
    try:
        pwd.getpwnam("haproxy")
    except KeyError:
        raise Note(
            "There is no user haproxy, so the balancers would run as root.",
            "adduser --system --group --home /var/lib/haproxy haproxy",
        ) from None
    return "it runs as the user haproxy"


def open_files() -> str:
    limit = raise_open_files()
    if limit < ENOUGH_FILES:
        raise Note(
            f"Only {limit} files may be open at once: enough for about {limit * 3 // 8} visitors.",
            "echo '* hard nofile 131072' | sudo tee /etc/security/limits.d/seawall.conf    (then log in again)",
        )
    return f"up to {limit} at once"


def shared_listening() -> str:
    """Really tried: two sockets on one port, and the kernel told to give a connection to the second."""
    try:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        listeners = Listeners.open("127.0.0.1", {"http": port})
        try:
            listeners.steer("b")
            _expect_visitor(listeners.sockets("b")[0], port)
        finally:
            listeners.close()
    except OSError as error:
        raise EngineFailed(
            f"Linux {platform.release()} does not let two balancers share a port: {error.strerror or error}.",
            "Seawall needs Linux 4.6 or newer, with SO_REUSEPORT and classic BPF allowed",
        ) from error
    return "the kernel hands a port from one balancer to the other"


def _expect_visitor(listening: socket.socket, port: int) -> None:
    listening.settimeout(1)
    with socket.create_connection(("127.0.0.1", port), timeout=1):
        listening.accept()[0].close()


def process_handles() -> str:
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError as error:
        raise EngineFailed(
            f"Linux {platform.release()} gives no handles on processes (pidfd_open): {error.strerror}.",
            "Seawall needs Linux 5.3 or newer; in a container, a seccomp profile that allows pidfd_open",
        ) from error
    return "the kernel reports the end of a process at once"


def clock() -> str:
    """Certificates are only good by a right clock."""
    installed = Path(seawall.__file__).stat().st_mtime
    if time.time() < installed - 86400:
        raise EngineFailed(
            f"The clock says {time.strftime('%Y-%m-%d')}, which is before Seawall was installed.",
            "sudo timedatectl set-ntp true    (without systemd: sudo date -s 'YYYY-MM-DD hh:mm')",
        )
    # All fields zero: adjtimex only reads. The kernel's struct is 208 bytes.
    if ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512)) == TIME_ERROR:
        raise Note("Nothing keeps the clock right.", "sudo apt-get install systemd-timesyncd")
    return time.strftime("%Y-%m-%d %H:%M %Z, kept right by the network")


def reader_of_packs() -> str:
    """It is compiled when Seawall is installed, where that can be done."""
    from seawall.audit.history import packed

    try:
        there = packed.available()
    except OSError as error:
        raise Note(f"What reads git's packs cannot be loaded: {error}.", "sudo apt-get install libdeflate0") from error
    if not there:
        raise Note(
            "What reads git's packs was not compiled, or from older sources: `seawall secrets scan` takes longer.",
            "sudo apt-get install gcc libc6-dev libdeflate-dev    (then install Seawall again)",
        )
    return "git's packs are read at full speed"
