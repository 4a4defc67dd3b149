"""Listening: what is refused, and in which words."""

import os
import resource
import socket
import subprocess
import sys

import pytest

from seawall.errors import ConfigError, PortForbidden, PortTaken
from seawall.haproxy.listeners import Listeners
from tests.haproxy.site import free_port


def free_in(remedy: str, name: str) -> int:
    """The port that it proposes, which must be free."""
    port = int(remedy.rpartition(f"listen.{name} = ")[2])
    with socket.create_server(("127.0.0.1", port)):
        return port


def test_the_proposed_port_is_neither_taken_nor_the_sites_own() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        try:
            beside = socket.create_server(("127.0.0.1", port + 2))
        except OSError:
            beside = socket.socket()  # somebody else has it
        with beside, pytest.raises(PortTaken) as caught:
            Listeners.open("127.0.0.1", {"http": port, "https": port + 1})
        assert free_in(caught.value.remedy, "http") > port + 2


def test_taken_port_names_the_program() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken) as caught:
            Listeners.open("127.0.0.1", {"http": free_port(), "https": port})
    assert f"Port {port} is taken by python" in caught.value.problem
    assert f"(pid {os.getpid()})" in caught.value.problem
    assert "End that program" in caught.value.remedy
    assert free_in(caught.value.remedy, "https") > port


def test_port_is_never_shared_with_another_program() -> None:
    """The kernel would allow it: same user, both with SO_REUSEPORT."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(PortTaken):
            Listeners.open("127.0.0.1", {"http": other.getsockname()[1]})


def test_port_is_usable_again_at_once() -> None:
    ports = {"http": free_port()}
    for _ in range(2):
        listeners = Listeners.open("127.0.0.1", ports)
        with socket.create_connection(("127.0.0.1", ports["http"])) as visitor:
            accepted, _ = listeners.sockets("a")[0].accept()
            accepted.close()
            assert visitor.recv(1) == b""
        listeners.close()


@pytest.mark.parametrize(
    ("address", "visited", "family"),
    [("::1", "::1", socket.AF_INET6), ("::", "127.0.0.1", socket.AF_INET), ("0.0.0.0", "127.0.0.1", socket.AF_INET)],
)
def test_addresses(address: str, visited: str, family: socket.AddressFamily) -> None:
    listeners = Listeners.open(address, {"http": free_port(family)})
    port = listeners.ports["http"]
    for balancer in ("b", "a"):
        listeners.steer(balancer)
        with socket.create_connection((visited, port)):
            listeners.sockets(balancer)[0].settimeout(2)
            listeners.sockets(balancer)[0].accept()[0].close()
    listeners.close()


@pytest.mark.parametrize("address", ["localhost", "203.0.113.9"])
def test_wrong_address(address: str) -> None:
    with pytest.raises(ConfigError, match=r"listen\.address"):
        Listeners.open(address, {"http": free_port()})


@pytest.mark.skipif(os.getuid() != 0, reason="gives up root to show what others see")
def test_privileged_port() -> None:
    script = (
        "import os; os.setuid(65534)\n"
        "from seawall.haproxy.listeners import Listeners\n"
        "Listeners.open('127.0.0.1', {'http': 81})"
    )
    ended = subprocess.run(
        [sys.executable, "-c", f"import seawall.haproxy.listeners, encodings.idna\n{script}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert PortForbidden.__name__ in ended.stderr
    assert "Port 81 may be used by root only" in ended.stderr


def test_number_is_within_the_limit_of_open_files() -> None:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    listeners = Listeners.open("127.0.0.1", {"http": free_port()})
    assert soft // 2 >= listeners.sockets("a")[0].fileno() >= min(soft // 2, 10_000) - 10
    listeners.close()
