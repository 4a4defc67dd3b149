"""The configuration as a whole, and HAProxy's own opinion of it."""

import itertools
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from seawall.errors import UnknownServer
from seawall.haproxy import process
from seawall.haproxy.render import (
    LOG_FORMAT,
    REFUSED,
    RING,
    Edge,
    ServerAddress,
    error_pages,
    render,
    server_id,
    server_name,
)
from seawall.model import STRATEGIES, Strategy
from tests.haproxy.conftest import MakeSite

EXPECTED = Path(__file__).with_name("expected.cfg")

EDGE = Edge(
    concurrency=4, request_timeout=60, queue_timeout=7.5, https_port=8443, certificate=Path("/site/certificate.pem"),
    redirect=True, sticky=True, user="haproxy", group="haproxy",
    max_connections=20000, run_folder=Path("/run/site"),
)  # fmt: skip


def example() -> str:
    return render(
        EDGE,
        balancer="a",
        runtime_socket=Path("/run/site/a.sock"),
        http_fd=5,
        https_fd=6,
        servers=[ServerAddress("s1", "unix@/run/site/s/s1.sock"), ServerAddress("s12", "127.0.0.1:9001")],
        strategy="round-robin",
    )


def test_whole_output() -> None:
    """After an intended change: write `example()` to expected.cfg and read the difference."""
    assert example() == EXPECTED.read_text()


VARIANTS = list(itertools.product((True, False), (True, False), (True, False), STRATEGIES))


@pytest.mark.parametrize(("https", "redirect", "sticky", "strategy"), VARIANTS)
def test_haproxy_accepts_it(make_site: MakeSite, https: bool, redirect: bool, sticky: bool, strategy: Strategy) -> None:
    site = make_site(redirect=redirect, sticky=sticky, **({} if https else {"certificate": None, "https_port": None}))
    for name, page in error_pages().items():
        (site.paths.runtime / name).write_text(page)
    (site.paths.runtime / REFUSED).touch()
    fds = [listening.fileno() for listening in site.listeners.sockets("a")]
    config = site.paths.balancer_config("a")
    config.write_text(
        render(
            site.edge,
            balancer="a",
            runtime_socket=site.paths.balancer_socket("a"),
            http_fd=fds[0],
            https_fd=fds[1] if https else None,
            servers=[site.address("s1"), ServerAddress("s2", "127.0.0.1:9001")],
            strategy=strategy,
        )
    )
    checked = subprocess.run(
        [process.program(), "-c", "-f", config],
        cwd=site.paths.runtime,
        pass_fds=fds,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
    assert "WARNING" not in checked.stderr


def test_digest_tells_configurations_apart() -> None:
    assert EDGE.digest() == replace(EDGE).digest()
    assert EDGE.digest() != replace(EDGE, sticky=False).digest()


def test_the_log_of_lost_requests_has_the_form_of_its_name() -> None:
    """A balancer of another release is asked for it, too: with another form comes another name."""
    assert (RING, LOG_FORMAT) == ("ended", "%Ts %ID %ft %tsc %ST %s %[var(txn.ended)] %HM %HU")


def test_server_ids() -> None:
    assert server_id("s7") == 1007
    assert server_name(server_id("s7")) == "s7"
    with pytest.raises(UnknownServer):
        server_id("app/s7")
