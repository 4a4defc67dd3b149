"""The sockets visitors connect to: one SO_REUSEPORT group per port, steered to one of two balancers by classic BPF."""

import array
import ctypes
import ipaddress
import socket
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seawall.errors import ConfigError, EngineFailed, PortForbidden, PortTaken
from seawall.haproxy.ports import holder
from seawall.model import BALANCERS, BalancerName

# include/uapi/asm-generic/socket.h; Python has no name for it
_SO_ATTACH_REUSEPORT_CBPF = 51
_BPF_RET_K = 0x06
_BACKLOG = 4096


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
        for name, port in ports.items():
            _require_free(address, name, port)
        listeners = cls(address, ports)
        for balancer in BALANCERS:
            listeners._listen(balancer)
        listeners.steer("a")
        return listeners

    def sockets(self, balancer: BalancerName) -> list[socket.socket]:
        """The listening sockets of one balancer, in the order of `ports`."""
        return self._sockets[balancer]

    def steer(self, balancer: BalancerName) -> None:
        """From now on all new connections, on every port, go to this balancer's sockets."""
        index = self._order.index(balancer)
        instruction = ctypes.create_string_buffer(struct.pack("HBBI", _BPF_RET_K, 0, 0, index), 8)
        program = struct.pack("HL", 1, ctypes.addressof(instruction))
        for listening in self._sockets[balancer]:
            listening.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_REUSEPORT_CBPF, program)
        self.active = balancer

    def to_record(self) -> dict[str, Any]:
        """What the next control plane must know, as JSON values."""
        return {"address": self.address, "ports": self.ports, "active": self.active, "order": self._order}

    @classmethod
    def from_record(cls, record: Mapping[str, Any], living: Mapping[BalancerName, Path]) -> "Listeners":
        """Adopt the sockets of the balancers that live: name → runtime socket. At least one must.

        A dead balancer's sockets left their groups when their last holder died, and the ones after them moved up; new
        ones join at the end. Raises OSError if a balancer does not answer, EngineFailed if its sockets are others.
        """
        listeners = cls(record["address"], record["ports"])
        for balancer in record["order"]:
            if balancer in living:
                listeners._sockets[balancer] = _recover(living[balancer], listeners.ports)
                listeners._order.append(balancer)
        for balancer in BALANCERS:
            if balancer not in living:
                listeners._listen(balancer)
        active = record["active"]
        # With its socket gone the kernel already gives everything to the other one.
        listeners.steer(active if active in living else listeners._order[0])
        return listeners

    def close(self) -> None:
        for balancer in self._sockets:
            for listening in self._sockets[balancer]:
                listening.close()

    def _listen(self, balancer: BalancerName) -> None:
        self._sockets[balancer] = [_bound(self.address, name, port) for name, port in self.ports.items()]
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


def _bound(address: str, name: str, port: int, share: bool = True) -> socket.socket:
    listening = socket.socket(_family(address))
    try:
        if listening.family == socket.AF_INET6:
            # "::" means everybody, whatever the machine's default
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if share:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.bind((address, port))
    except OSError as error:
        listening.close()
        raise _explained(error, address, name, port) from error
    return listening


def _require_free(address: str, name: str, port: int) -> None:
    """SO_REUSEPORT would share the port with any other program of the same user, without a word."""
    with _bound(address, name, port, share=False) as trial:
        try:
            trial.listen(1)
        except OSError as error:
            raise _explained(error, address, name, port) from error


def _explained(error: OSError, address: str, name: str, port: int) -> Exception:
    if isinstance(error, PermissionError):
        return PortForbidden(
            f"Port {port} may be used by root only.",
            f"Run as root, or choose a port above 1023 in seawall.toml: listen.{name} = {port + 8000}",
        )
    if error.errno == 98:
        return PortTaken(
            f"Port {port} is taken by {holder(port) or 'another program'}.",
            f"End that program, or choose another port in seawall.toml: listen.{name} = {port + 1}",
        )
    return ConfigError(
        f"listen.address is {address}, where this machine cannot listen: {error.strerror}.", "See: ip address"
    )


def _recover(runtime_socket: Path, ports: Mapping[str, int]) -> list[socket.socket]:
    """A living balancer's listening sockets, in the order of `ports`."""
    by_port: dict[int, socket.socket] = {}
    for listening in _getsocks(runtime_socket):
        by_port[listening.getsockname()[1]] = listening
    try:
        return [by_port[port] for port in ports.values()]
    except KeyError as error:
        raise EngineFailed(f"The balancer at {runtime_socket} does not listen on port {error}.") from error


def _getsocks(runtime_socket: Path) -> list[socket.socket]:
    """Ask HAProxy for its listening sockets (`expose-fd listeners`), as its own reload does.

    The answer is the number of descriptors, then they themselves by SCM_RIGHTS, with a description of each that we do
    not need.
    """
    fds: list[int] = []
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(2)
        connection.connect(str(runtime_socket))
        connection.sendall(b"_getsocks\n")
        (count,) = struct.unpack("i", connection.recv(4))
        while len(fds) < count:
            _, ancillary, _, _ = connection.recvmsg(65536, socket.CMSG_SPACE(253 * 4))
            for _, _, data in ancillary:
                received = array.array("i")
                received.frombytes(data)
                fds += received
            if len(fds) < count:
                # HAProxy waits for a word before it sends the next batch, and for none after the last.
                connection.sendall(bytes(4))
    sockets = [socket.socket(fileno=fd) for fd in fds]
    for listening in sockets:
        listening.set_inheritable(False)
    return [s for s in sockets if s.family in (socket.AF_INET, socket.AF_INET6)]
