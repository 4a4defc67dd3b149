"""Opening a site: what an earlier control plane left is adopted, ended or removed, each kind for its own reason."""

import asyncio
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seawall.control.opening import open_site
from seawall.control.processes import KINDS, Warm
from seawall.errors import AlreadyRunning, RecordUnusable
from seawall.model import BalancerName
from tests.control.parts import Parts
from tests.patience import until


def opened(parts: Parts) -> None:
    """Open it, and leave it again."""

    async def main() -> None:
        async with parts.actor() as actor:
            await open_site(parts.state, actor)

    asyncio.run(main())


@pytest.fixture
def left(parts: Parts) -> Parts:
    """A site of which an earlier control plane left s1, and no balancer."""
    parts.site.listeners.close()
    parts.server("s1", ready=True, address="127.0.0.1:9")
    return parts


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_about_to_exist_and_does_is_ended(left: Parts, kind: str) -> None:
    name = {"warm": "w1", "server": "s2", "balancer": "a"}[kind]
    unknown, beside = left.child(kind, name), left.child(kind, name + "0")
    processes = left.state.processes
    processes.add(KINDS[kind](name))
    opened(left)
    assert not unknown.alive
    assert beside.alive
    assert [one.name for one in processes] == ["s1"]
    assert processes.servers["s1"].process.alive  # type: ignore[union-attr]


def test_sockets_of_servers_that_are_gone_are_removed(left: Parts) -> None:
    paths = left.site.paths
    kept = [paths.sockets / "s1.sock", paths.sockets / "s1.beat", paths.offered / "s1.sock"]
    stale = [paths.sockets / "s7.sock", paths.sockets / "s7.beat", paths.offered / "s7.sock", paths.warm_socket("w7")]
    for path in (*kept, *stale):
        path.touch()
    opened(left)
    assert [path for path in (*kept, *stale) if path.exists()] == kept


def test_a_stale_socket_that_cannot_be_removed_is_told(left: Parts) -> None:
    (left.site.paths.sockets / "s7.sock" / "full").mkdir(parents=True)
    opened(left)
    assert any("s7.sock is in the way" in entry["text"] for entry in left.told)


def ordered(parts: Parts) -> None:
    parts.state.record.settings = {"servers.min": "5", "balancer.strategy": "random", "of.another.version": "x"}
    parts.state.record.orders = {"generation": 3, "drain": ["s1"], "restart": ["s2"]}


def test_an_adopted_site_is_kept_as_an_operator_has_ordered(left: Parts) -> None:
    ordered(left)
    opened(left)
    site = left.state.site
    assert (site.min, site.strategy, site.generation) == (5, "random", 3)
    assert (site.drain, site.restart) == ({"s1"}, {"s2"})
    assert left.kinds()[-1] == "adopt"


def test_orders_on_a_site_that_has_ended_are_forgotten(parts: Parts) -> None:
    parts.site.listeners.close()
    ordered(parts)
    opened(parts)
    assert parts.state.site == parts.state.wanted.site
    assert (parts.state.record.settings, parts.state.record.orders) == ({}, {})


def test_what_runs_without_a_record_is_not_touched_and_nothing_is_started_over_it(parts: Parts) -> None:
    process = parts.child()
    with pytest.raises(RecordUnusable, match=str(process.pid)):
        opened(parts)
    assert process.alive
    assert parts.state.adopted


def balanced(parts: Parts, *names: BalancerName) -> None:
    """These balancers run, and an earlier control plane had them on record."""

    async def main() -> None:
        for name in names:
            await parts.site.balancer(name, [])
            parts.balancer(name)

    asyncio.run(main())
    parts.state.record.listeners = parts.site.listeners.to_record()


def test_a_balancer_that_hangs_is_ended_and_one_that_answers_is_adopted(parts: Parts) -> None:
    balanced(parts, "a", "b")
    a, b = (parts.site.balancers[name] for name in ("a", "b"))
    a.signal(signal.SIGSTOP)
    opened(parts)
    assert (a.alive, b.alive) == (False, True)
    assert parts.state.processes.balancers["b"].answering


def test_one_that_finishes_its_requests_is_silent_and_left_alone(parts: Parts) -> None:
    balanced(parts, "a", "b")
    b = parts.site.balancers["b"]
    b.signal(signal.SIGSTOP)
    parts.state.record.memory = replace(parts.state.record.memory, retiring={"b": 1.0})
    opened(parts)
    assert b.alive


@pytest.mark.parametrize("changed", [{"address": "127.0.0.2"}, {"ports": {"http": 1}}])
def test_other_ports_need_a_site_that_is_down(parts: Parts, changed: dict[str, Any]) -> None:
    balanced(parts, "a")
    parts.state.wanted = replace(parts.state.wanted, **changed)
    with pytest.raises(AlreadyRunning):
        opened(parts)
    assert parts.site.balancers["a"].alive


def test_the_balancer_that_was_active_is_active_again(parts: Parts) -> None:
    balanced(parts, "a", "b")
    parts.site.listeners.steer("b")
    parts.state.record.listeners = parts.site.listeners.to_record()
    parts.state.listeners = None
    opened(parts)
    assert parts.state.listeners is not None
    assert parts.state.listeners.active == "b"


def test_a_trial_of_settings_that_nobody_waits_for_any_more_is_ended(left: Parts) -> None:
    left.state.processes.add(Warm("w3", process=left.child("warm", "w3"), generation=1, trial=True))
    trial = left.state.processes.warms["w3"].process
    assert trial is not None
    kept = left.state.processes.servers["s1"].process
    pid = trial.pid
    opened(left)
    assert "w3" not in left.state.processes.warms
    until(lambda: not os.path.exists(f"/proc/{pid}") or "Z" in Path(f"/proc/{pid}/stat").read_text().split()[2])
    assert kept is not None
    assert kept.alive
