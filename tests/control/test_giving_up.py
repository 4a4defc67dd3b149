"""When a site that is started for the first time gives up, and that one which has served never does."""

from dataclasses import replace

import pytest

from seawall.control.giving_up import reason_to_give_up
from seawall.errors import ApplicationFailed, EngineFailed
from seawall.haproxy import process as haproxy
from seawall.model import Event, Memory
from tests.control.parts import Parts

DYING = Memory(deaths=2)
NO_BALANCER = Memory(opened=True, balancer_deaths={"b": 2})


def dying(parts: Parts, memory: Memory) -> None:
    parts.state.journal.event(Event("forget-server", "s1", "s1 died after 0.1 s: exit code 3"))
    (parts.state.paths.logs / "application.log").write_text("ImportError: no such module")
    parts.state.record.memory = memory


def test_servers_that_die_before_any_has_answered(parts: Parts) -> None:
    dying(parts, DYING)
    error = reason_to_give_up(parts.state)
    assert isinstance(error, ApplicationFailed)
    assert "exit code 3" in error.problem
    assert "{port}" in error.remedy
    assert "ImportError" in error.detail


def test_a_balancer_that_does_not_start(parts: Parts) -> None:
    dying(parts, NO_BALANCER)
    haproxy.log(parts.state.paths, "b").write_text(f"{haproxy.MARK}now\n[ALERT] unable to load the certificate\n")
    error = reason_to_give_up(parts.state)
    assert isinstance(error, EngineFailed)
    assert "balancer b" in error.problem
    assert "unable to load the certificate" in error.detail


@pytest.mark.parametrize("memory", [DYING, NO_BALANCER])
@pytest.mark.parametrize("served", ["open", "adopted"])
def test_a_site_that_has_served_never_gives_up(parts: Parts, memory: Memory, served: str) -> None:
    dying(parts, memory)
    setattr(parts.state, served, True)
    assert reason_to_give_up(parts.state) is None


@pytest.mark.parametrize(
    "memory",
    [Memory(), Memory(deaths=1), replace(DYING, opened=True), Memory(opened=True, balancer_deaths={"a": 1, "b": 1})],
)
def test_one_death_is_no_reason(parts: Parts, memory: Memory) -> None:
    dying(parts, memory)
    assert reason_to_give_up(parts.state) is None
