"""One round of the control plane: what is on record before anything is done, and what is tidied up after it."""

import asyncio
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from seawall.control.act.actor import Actor, Outcome
from seawall.control.lock import in_charge
from seawall.control.loop import Control, reap_orphans
from seawall.errors import ApplicationFailed, EngineFailed, StateUnusable
from seawall.model import Action, Event, Memory, Site
from tests.control.parts import Parts

NEVER = float("inf")
NOT_YET = {"a": NEVER, "b": NEVER}


class Killed(BaseException):
    """The control plane has been killed with SIGKILL, as far as it can tell."""


class KilledActor(Actor):
    """Is killed before it has done anything."""

    def act(self, site: Site, actions: Sequence[Action]) -> Outcome:
        raise Killed


@pytest.fixture
def control(parts: Parts) -> Iterator[Control]:
    """Of an opened site with nothing running."""
    with in_charge(parts.site.paths) as lock:
        made = Control(parts.site.paths, parts.wanted(), lock, parts.told.append)
        made.state.listeners = parts.site.listeners
        made.state.wants_warm = False
        parts.state = made.state
        yield made


def rounds(control: Control, number: int = 1) -> None:
    async def main() -> None:
        for _ in range(number):
            control.tick()
        await control.tasks.cancel()

    asyncio.run(main())


def on_record(control: Control) -> dict[str, Any]:
    found = json.loads(control.state.paths.processes.read_text())
    assert isinstance(found, dict)
    return found


def killed_in_the_middle(control: Control) -> None:
    """One round, of which the decision is made and nothing done."""
    actor = control.actor
    control.actor = KilledActor(actor.paths, actor.servers, actor.warms, actor.balancers)
    with pytest.raises(Killed):
        rounds(control)


def test_a_name_is_never_given_twice(control: Control) -> None:
    killed_in_the_middle(control)
    assert on_record(control)["memory"]["next_server"] == 3


def test_who_was_told_to_stop_is_on_record_before_he_hears_it(control: Control, parts: Parts) -> None:
    parts.server("s1", ready=True)
    parts.server("s2", ready=True)
    control.state.record.memory = Memory(next_server=4, opened=True, leaving={"s3": 1.0})
    parts.server("s3", ready=True)
    killed_in_the_middle(control)
    assert list(on_record(control)["memory"]["stopping"]) == ["s3"]


def test_what_is_about_to_be_started_is_on_record(control: Control) -> None:
    rounds(control)
    assert [one["name"] for one in on_record(control)["processes"]] == ["s1", "s2"]


def test_an_order_ends_with_the_server_it_was_about(control: Control, parts: Parts) -> None:
    parts.server("s1", ready=True)
    parts.server("s2").exited = True
    state = control.state
    state.site = replace(state.site, drain=frozenset({"s1", "s2"}), restart=frozenset({"s2"}))
    rounds(control)
    assert (state.site.drain, state.site.restart) == ({"s1"}, frozenset())
    assert on_record(control)["orders"] == {"generation": 0, "drain": ["s1"], "restart": []}


def ended_child() -> int:
    """A zombie of ours that nobody has in any table, as one that a server left behind."""
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    return pid


def test_zombies_of_others_are_freed_in_each_round(control: Control) -> None:
    pids = {ended_child(), ended_child()}
    rounds(control)
    for pid in pids:
        with pytest.raises(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def test_how_ours_ended_is_left_to_be_told(parts: Parts) -> None:
    process = parts.server(code="import os; os._exit(7)").process
    assert process
    os.waitid(os.P_PIDFD, process.pidfd, os.WEXITED | os.WNOWAIT)
    reap_orphans(parts.state.processes)
    assert process.reap() == "exit code 7"


def test_what_fails_ends_a_site_that_has_not_begun_to_serve(control: Control) -> None:
    error = StateUnusable("The disk is full.")
    control._heed({"start-server": error})
    assert control._failure is error


def test_what_fails_is_a_trouble_of_one_that_serves_until_it_succeeds(control: Control) -> None:
    control.state.open = True
    control._heed({"start-server": StateUnusable("The disk is full.")})
    assert control.state.troubles.present == ["The disk is full. It is tried again."]
    control._heed({"start-server": None})
    assert control.state.troubles.present == []
    assert control._failure is None


def test_a_record_that_cannot_be_written_is_told_and_written_when_it_can(control: Control) -> None:
    state, path = control.state, control.state.paths.processes
    path.mkdir()
    rounds(control)
    assert "cannot be written" in state.troubles.present[0]
    path.rmdir()
    rounds(control)
    assert state.troubles.present == []
    assert on_record(control)["memory"]["next_server"] == 3


def test_a_record_that_was_removed_is_written_again(control: Control) -> None:
    rounds(control)
    control.state.paths.processes.unlink()
    rounds(control)
    assert on_record(control)["memory"]["next_server"] == 3


@pytest.mark.parametrize(
    ("memory", "expected"),
    [
        (Memory(deaths=2), ApplicationFailed),
        (Memory(opened=True, balancer_deaths={"a": 2}, balancer_retry_at=NOT_YET), EngineFailed),
    ],
)
def test_one_that_cannot_begin_gives_up(control: Control, memory: Memory, expected: type[Exception]) -> None:
    state = control.state
    state.journal.event(Event("forget-server", "s1", "s1 died: exit code 3"))
    state.record.memory = replace(memory, retry_at=NEVER)
    rounds(control)
    assert isinstance(control._failure, expected)
