"""The sockets visitors connect to: one SO_REUSEPORT group per port, steered to one of two balancers by classic BPF."""

import contextlib
import ctypes
import fcntl
import ipaddress
import os
import resource
import socket
import struct
from collections.abc import Mapping
from typing import Any

from seawall.errors import ConfigError, PortForbidden, PortTaken
from seawall.haproxy.ports import holder
from seawall.model import BALANCERS, BalancerName
from seawall.process import Process

# include/uapi/asm-generic/socket.h; Python has no name for it
_SO_ATTACH_REUSEPORT_CBPF = 51
_BPF_RET_K = 0x06
_PIDFD_GETFD = 438  # include/uapi/asm-generic/unistd.h
_BACKLOG = 4096
# A balancer must have room for it: see _ROOM in render.py.
_HIGH = 10_000


class Listeners:
    """Two sockets on each port, one for each balancer; the kernel gives new connections to the active one's.

    `ports` are by name, "http" first: {"http": 8000, "https": 8443}.
    """

    def __init__(self, address: str, ports: Mapping[str, int]) -> None:
        self.address = address
        self.ports = dict(ports)
        self.active: BalancerName = "a"
        self._sockets: dict[BalancerName, list[socket.socket]] = {}
        # The kernel numbers the sockets of a group in the order in which they began to listen.
        self._order: list[BalancerName] = []

    @classmethod
    def open(cls, address: str, ports: Mapping[str, int]) -> "Listeners":
        """Begin to listen. Raises PortTaken, PortForbidden, ConfigError."""
        for name in ports:
            _require_free(address, ports, name)
        listeners = cls(address, ports)
        for balancer in BALANCERS:
            listeners._listen(balancer)
        listeners.steer("a")
        return listeners

    def sockets(self, balancer: BalancerName) -> list[socket.socket]:
        """The listening sockets to start a balancer with, in the order of `ports`."""
        if balancer not in self._sockets:
            # We could not get hold of the sockets of the one that was adopted, and it has taken them along.
            self._leave(balancer)
            self._listen(balancer)
            self.steer(self.active)
        return self._sockets[balancer]

    def steer(self, balancer: BalancerName) -> None:
        """From now on all new connections, on every port, go to this balancer's sockets."""
        index = self._order.index(balancer)
        instruction = ctypes.create_string_buffer(struct.pack("HBBI", _BPF_RET_K, 0, 0, index), 8)
        program = struct.pack("HL", 1, ctypes.addressof(instruction))
        for listening in next(iter(self._sockets.values()), []):  # any socket of a group speaks for all of it
            listening.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_REUSEPORT_CBPF, program)
        self.active = balancer

    def to_record(self) -> dict[str, Any]:
        """What the next control plane must know, as JSON values."""
        return {"address": self.address, "ports": self.ports, "active": self.active, "order": self._order}

    @classmethod
    def from_record(cls, record: Mapping[str, Any], living: Mapping[BalancerName, Process]) -> "Listeners":
        """Adopt the sockets of the balancers that live. At least one must.

        A dead balancer's sockets left their groups when their last holder died, and the last ones took their places.
        Where the kernel does not let us have a balancer's sockets (`recovered` is False), it keeps them until it ends.
        """
        listeners = cls(record["address"], record["ports"])
        listeners._order = list(record["order"])
        for balancer in BALANCERS:
            if balancer not in living:
                listeners._leave(balancer)
            elif sockets := _recover(living[balancer], listeners.ports):
                listeners._sockets[balancer] = sockets
        for balancer in BALANCERS:
            if balancer not in living:
                listeners._listen(balancer)
        active = record["active"]
        # With its socket gone the kernel already gives everything to the other one.
        listeners.steer(active if active in living else listeners._order[0])
        return listeners

    def recovered(self, balancer: BalancerName) -> bool:
        """Whether we hold a balancer's sockets, so that connections waiting there outlive it."""
        return balancer in self._sockets

    def close(self) -> None:
        for sockets in self._sockets.values():
            for listening in sockets:
                listening.close()

    def _leave(self, balancer: BalancerName) -> None:
        """Do as the kernel does when a socket leaves its group (reuseport_detach_sock in net/core/sock_reuseport.c)."""
        if balancer in self._order:
            self._order[self._order.index(balancer)] = self._order[-1]
            self._order.pop()

    def _listen(self, balancer: BalancerName) -> None:
        self._sockets[balancer] = [_bound(self.address, self.ports, name) for name in self.ports]
        for listening in self._sockets[balancer]:
            listening.listen(_BACKLOG)
        self._order.append(balancer)


def _family(address: str) -> socket.AddressFamily:
    try:
        version = ipaddress.ip_address(address).version
    except ValueError as error:
        raise ConfigError(
            f"listen.address is {address!r}, which is not an IP address.", 'For example "0.0.0.0" or "::".'
        ) from error
    return socket.AF_INET6 if version == 6 else socket.AF_INET


def _bound(address: str, ports: Mapping[str, int], name: str, share: bool = True) -> socket.socket:
    listening = socket.socket(_family(address))
    try:
        if listening.family == socket.AF_INET6:
            # "::" means everybody, whatever the machine's default
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if share:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.bind((address, ports[name]))
    except OSError as error:
        listening.close()
        raise _explained(error, address, ports, name) from error
    return _raised(listening)


def _raised(listening: socket.socket) -> socket.socket:
    """The same socket under a high number.

    The kernel closes a killed balancer's files from the highest number down (task_work_add in kernel/task_work.c). Were
    its connections closed first, visitors who come back at once would still be led to the dying socket, and lost again.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    with listening:
        return socket.socket(fileno=fcntl.fcntl(listening, fcntl.F_DUPFD_CLOEXEC, min(limit // 2, _HIGH)))


def _require_free(address: str, ports: Mapping[str, int], name: str) -> None:
    """SO_REUSEPORT would share the port with any other program of the same user, without a word."""
    with _bound(address, ports, name, share=False) as trial:
        try:
            trial.listen(1)
        except OSError as error:
            raise _explained(error, address, ports, name) from error


def _explained(error: OSError, address: str, ports: Mapping[str, int], name: str) -> Exception:
    port = ports[name]
    if isinstance(error, PermissionError):
        other = _another(address, ports, port + 8000)
        return PortForbidden(
            f"Port {port} may be used by root only.",
            f"Run as root, or choose a port above 1023 in seawall.toml: listen.{name} = {other}",
        )
    if error.errno == 98:
        found = holder(port)
        return PortTaken(
            f"Port {port} is taken by {found.words}.",
            f"{found.end}, or choose another port in seawall.toml: "
            f"listen.{name} = {_another(address, ports, port + 1)}",
        )
    return ConfigError(
        f"listen.address is {address}, where this machine cannot listen: {error.strerror}.", "See: ip address"
    )


def _another(address: str, ports: Mapping[str, int], begin: int) -> int:
    """A free port from `begin` on that is none of `ports`."""
    for port in (port for port in range(begin, 65536) if port not in ports.values()):
        with socket.socket(_family(address)) as trial, contextlib.suppress(OSError):
            trial.bind((address, port))
            return port
    return begin


def _recover(process: Process, ports: Mapping[str, int]) -> list[socket.socket]:
    """Our own copies of a living balancer's listening sockets, in the order of `ports`; none if that is not allowed.

    HAProxy's `_getsocks` does not give away sockets it has inherited, so they are taken with pidfd_getfd(2). That needs
    the right to trace the process: root has it, and whoever owns the process, unless Yama restricts it to parents.
    """
    try:
        numbers = sorted(int(name) for name in os.listdir(f"/proc/{process.pid}/fd"))
    except PermissionError:
        return []
    by_port: dict[int, socket.socket] = {}
    for number in numbers:
        copy = _copy(process, number)
        if copy is None:
            continue
        if copy.family in (socket.AF_INET, socket.AF_INET6) and copy.getsockopt(
            socket.SOL_SOCKET, socket.SO_ACCEPTCONN
        ):
            port = copy.getsockname()[1]
            by_port[port] = _raised(copy)
        else:
            copy.close()
        if by_port.keys() >= set(ports.values()):
            return [by_port[port] for port in ports.values()]
    return []


def _copy(process: Process, number: int) -> socket.socket | None:
    """Our own copy of a socket of another process; None if it is none, was closed meanwhile, or is not given to us."""
    try:
        if not os.readlink(f"/proc/{process.pid}/fd/{number}").startswith("socket:"):
            return None
    except OSError:
        return None
    copied = ctypes.CDLL(None).syscall(_PIDFD_GETFD, process.pidfd, number, 0)
    return None if copied < 0 else socket.socket(fileno=copied)
