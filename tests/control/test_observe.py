"""What is seen: what is known of each process, and None for what is not."""

from dataclasses import replace

import pytest

from seawall.control.observe import observe
from seawall.control.processes import Balancer, Warm
from seawall.control.tally import Tally
from seawall.fleet.server import address
from seawall.model import BALANCERS, BalancerSeen, Observed
from tests.control.parts import Parts

NOW = 100.0


def seen(parts: Parts, wants_warm: bool = True) -> Observed:
    processes = parts.state.processes
    return observe(processes, {}, Tally(), "b", wants_warm, NOW)


def test_of_a_site_with_nothing_nothing_is_known(parts: Parts) -> None:
    assert seen(parts) == Observed((), tuple(map(BalancerSeen, BALANCERS)), "b", ())


@pytest.mark.parametrize("ready", [True, False])
def test_a_server_whose_socket_was_removed_is_lost_once_it_had_one(parts: Parts, ready: bool) -> None:
    paths = parts.site.paths
    parts.server("s1", ready=ready, address=address(paths, "s1"))
    assert [server.lost for server in seen(parts).servers] == [ready]
    paths.server_socket("s1").touch()
    assert [server.lost for server in seen(parts).servers] == [False]


def test_one_with_a_port_has_no_socket_to_lose(parts: Parts) -> None:
    parts.server("s1", ready=True, address="127.0.0.1:9")
    assert [server.lost for server in seen(parts).servers] == [False]


def test_a_server_is_seen_as_it_is(parts: Parts) -> None:
    server = parts.server("s1", started=3.0, generation=4, ready=True, hung="is stopped")
    server.exited, server.ending = True, "exit code 3"
    [found] = seen(parts).servers
    assert (found.name, found.started, found.generation) == ("s1", 3.0, 4)
    assert (found.alive, found.ready, found.hung, found.ending) == (False, True, "is stopped", "exit code 3")


def test_one_that_is_about_to_exist_counts_as_alive(parts: Parts) -> None:
    """Else another one would be started in its place."""
    parts.server("s1").process = None
    assert [server.alive for server in seen(parts).servers] == [True]


def test_of_a_balancer_that_nobody_talks_to_no_word_is_known(parts: Parts) -> None:
    parts.state.processes.add(Balancer("a", 2.0, parts.child("balancer", "a"), edge="e", answering=True, owes=True))
    a, b = seen(parts).balancers
    assert a == BalancerSeen("a", alive=True, answering=True, owes=True, edge="e", started=2.0)
    assert b == BalancerSeen("b")
    parts.state.processes.balancers["a"].exited = True
    assert seen(parts).balancers[0] == replace(a, alive=False, answering=False)


def test_a_warm_process_without_its_socket_hangs(parts: Parts) -> None:
    parts.state.processes.add(Warm("w1", process=parts.child("warm", "w1"), ready=True))
    assert [warm.hung for warm in seen(parts).warms or ()] == ["has lost its socket"]
    parts.site.paths.warm_socket("w1").touch()
    assert [warm.hung for warm in seen(parts).warms or ()] == [""]


def test_a_site_that_is_started_cold_has_no_warm_processes(parts: Parts) -> None:
    assert seen(parts, wants_warm=False).warms is None
