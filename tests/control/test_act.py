"""What carries actions out: servers that come and go, and those that never came to be."""

import asyncio
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from seawall.control.act.actor import Actor
from seawall.control.processes import Server
from seawall.control.tasks import Tasks
from seawall.control.troubles import Troubles
from seawall.errors import StateUnusable
from seawall.model import Event, ForgetServer, KillServer, Site, StartBalancer, StartServer, StopServer, TakeOver
from tests.control.parts import Parts, until
from tests.haproxy import site as small_site

UPSTREAM = Path(small_site.__file__).with_name("upstream.py")


def runs(parts: Parts, command: str) -> None:
    parts.state.wanted = parts.wanted(command)


def gone(parts: Parts) -> bool:
    return all(server.exited for server in parts.state.processes.servers.values())


def test_a_server_is_started_found_ready_stopped_and_forgotten(parts: Parts) -> None:
    paths, processes = parts.site.paths, parts.state.processes
    runs(parts, f"{sys.executable} -S {UPSTREAM} {{socket}} s1 {parts.site.journal}")

    async def main() -> None:
        async with parts.actor() as actor:
            assert actor.act(Site(), [StartServer("", "s1")]) == {"start-server": None}
            server = processes.servers["s1"]
            await until(lambda: server.ready)
            assert server.address == f"unix@{paths.server_socket('s1')}"
            actor.act(Site(), [StopServer("", "s1")])
            await until(lambda: server.exited)
            assert server.ending == "killed by SIGTERM"
            actor.act(Site(), [ForgetServer("", "s1")])
            assert processes.servers == {}
            assert not paths.server_socket("s1").exists()

    asyncio.run(main())


def test_one_that_cannot_be_started_has_ended_and_says_why(parts: Parts) -> None:
    runs(parts, "/no/such/program {port}")

    async def main() -> None:
        async with parts.actor() as actor:
            actor.act(Site(), [StartServer("", "s1"), StartServer("", "s2")])
            await until(lambda: gone(parts))
            assert all("/no/such/program" in one.ending for one in parts.state.processes.servers.values())

    asyncio.run(main())


def test_of_a_plan_that_cannot_be_carried_on_none_is_left_about_to_exist(parts: Parts) -> None:
    class Breaks(Actor):
        def _do(self, site: Site, action: object) -> None:
            raise RuntimeError("nobody has foreseen this")

    async def main() -> None:
        async with parts.actor() as actor:
            breaks = Breaks(actor.paths, actor.servers, actor.warms, actor.balancers)
            with pytest.raises(RuntimeError):
                breaks.act(Site(), [StartServer("", "s1")])
            assert list(parts.state.processes.servers) == ["s1"]
            assert gone(parts)

    asyncio.run(main())


def test_one_that_is_being_forked_and_is_not_wanted_any_more_ends(parts: Parts) -> None:
    async def main() -> None:
        async with parts.actor() as actor:
            for name, action in (("s1", StopServer("", "s1")), ("s2", KillServer("it is late", "s2"))):
                parts.state.processes.add(Server(name))
                actor.act(Site(), [action])
            assert gone(parts)

    asyncio.run(main())


def test_kill_ends_also_one_that_is_stopped_and_says_why(parts: Parts) -> None:
    async def main() -> None:
        server = parts.server("s1", ready=True)
        assert server.process
        async with parts.actor() as actor:
            actor.servers.watch(server)
            server.process.signal(signal.SIGSTOP)
            actor.act(Site(), [KillServer("s1 is stopped", "s1")])
            await until(lambda: server.exited)
            assert server.ending == "killed, because s1 is stopped"

    asyncio.run(main())


def test_what_fails_is_told_by_kind_and_hinders_nothing_else(parts: Parts) -> None:
    """A folder that cannot be written: no balancer starts, but the other one still takes over."""
    paths = parts.site.paths
    paths.balancer_config("a").mkdir()

    async def main() -> None:
        async with parts.actor() as actor:
            plan = [StartBalancer("", "a"), TakeOver("", "b"), StartServer("", "s1")]
            outcome = actor.act(Site(), plan)
            assert isinstance(outcome["start-balancer"], StateUnusable)
            assert (outcome["take-over"], outcome["start-server"]) == (None, None)
            assert parts.site.listeners.active == "b"
            assert parts.state.processes.balancers["a"].exited
            await until(lambda: parts.state.processes.servers["s1"].process)

    asyncio.run(main())


def test_a_balancer_is_started_with_the_servers_that_are_to_serve(parts: Parts) -> None:
    state = parts.state
    for name, ready in (("s1", True), ("s2", False), ("s3", True)):
        parts.server(name, ready=ready, address="127.0.0.1:9")
    state.record.memory = replace(state.record.memory, leaving={"s3": 1.0})

    async def main() -> None:
        async with parts.actor() as actor:
            actor.act(Site(), [StartBalancer("", "a")])
            balancer = state.processes.balancers["a"]
            await until(lambda: balancer.answering)
            link = actor.balancers.links["a"]
            await until(lambda: link.last)
            assert link.last
            assert {route.server for route in link.last.routes} == {"s1"}

    asyncio.run(main())


def test_the_failure_of_a_task_is_handed_on_but_not_that_it_was_cancelled() -> None:
    failures: list[BaseException] = []

    async def fails() -> None:
        raise OSError("full")

    async def main() -> None:
        tasks = Tasks(failures.append)
        tasks.start(fails())
        tasks.start(asyncio.sleep(600))
        await until(lambda: failures)
        await tasks.cancel()

    asyncio.run(main())
    assert [str(error) for error in failures] == ["full"]


def test_a_trouble_is_told_once_and_again_when_it_is_another_or_comes_back() -> None:
    told: list[Event] = []
    troubles = Troubles(told.append)
    for text in ("full", "full", "read-only"):
        troubles.note("disk", text)
    assert troubles.present == ["read-only"]
    troubles.over("disk")
    troubles.over("disk")
    assert troubles.present == []
    troubles.note("disk", "read-only")
    assert [event.text for event in told] == ["full", "read-only", "read-only"]
