"""What an operator may ask of a running site: what each verb changes, ends and answers."""

import asyncio
from typing import Any

import pytest

from seawall import members
from seawall.control.act.warms import Warms
from seawall.control.compare import compared
from seawall.control.metrics import Meter
from seawall.control.orders import to_record, with_orders
from seawall.control.record import Record
from seawall.control.reload import Changes
from seawall.control.tasks import Tasks
from seawall.control.verbs import Answers, Operator, table
from seawall.errors import ConfigError, UnknownServer
from seawall.model import Event, Site
from tests.control.parts import SLEEP, Parts, until


class Asked:
    """An operator at a site with s1 and s2."""

    def __init__(self, parts: Parts) -> None:
        self.parts, self.ended, self.woken = parts, list[str](), 0
        parts.wake = self._woken
        parts.server("s1", ready=True)
        parts.server("s2", ready=True)
        state, tasks = parts.state, Tasks(parts.failures.append)
        changes = Changes(state, Warms(state, tasks), tasks)
        self.operator = Operator(state, Meter(state.processes), self.ended.append, changes)

    def _woken(self) -> None:
        self.woken += 1

    def __call__(self, verb: str, **words: Any) -> list[dict[str, Any]]:
        async def answers(found: Answers) -> list[dict[str, Any]]:
            return [answer async for answer in found]

        return asyncio.run(answers(table(self.operator)[verb](**words)))


@pytest.fixture
def ask(parts: Parts) -> Asked:
    return Asked(parts)


@pytest.mark.parametrize("verb", ["drain", "restart", "kill"])
def test_a_server_that_is_not_there(ask: Asked, verb: str) -> None:
    before = ask.parts.state.site
    with pytest.raises(UnknownServer, match="no server s9") as caught:
        ask(verb, server="s9")
    assert "s1, s2" in caught.value.remedy
    assert ask.parts.state.site == before
    assert ask.woken == 0


def test_drain_and_restart_are_orders_for_the_next_round(ask: Asked) -> None:
    assert ask("drain", server="s1") == [{"drain": "s1"}]
    assert ask("restart", server="s2") == [{"restart": ["s2"]}]
    site = ask.parts.state.site
    assert (site.drain, site.restart, site.generation) == ({"s1"}, {"s2"}, 0)
    assert ask.woken == 2
    assert ask.parts.kinds() == ["drain", "restart"]


def test_restart_all_is_new_code(ask: Asked) -> None:
    assert ask("restart", server="all") == [{"restart": ["s1", "s2"]}]
    assert (ask.parts.state.site.generation, ask.parts.state.site.restart) == (1, frozenset())


def test_set_changes_the_site_and_what_is_on_record(ask: Asked) -> None:
    state = ask.parts.state
    ask("set", key="servers.min", value="7")
    ask("set", key="balancer.strategy", value="random")
    assert (state.site.min, state.site.strategy) == (7, "random")
    assert state.record.settings == {"servers.min": "7", "balancer.strategy": "random"}


@pytest.mark.parametrize(("key", "value"), [("servers.min", "201"), ("listen.http", "80"), ("colour", "red")])
def test_set_with_nonsense_changes_nothing(ask: Asked, key: str, value: str) -> None:
    state = ask.parts.state
    with pytest.raises(ConfigError):
        ask("set", key=key, value=value)
    assert (state.site, state.record.settings) == (state.wanted.site, {})


def test_what_takes_long_to_read_holds_up_nobody(ask: Asked) -> None:
    state = ask.parts.state
    deep = ".".join("a" * 10_000)  # quadratic for the parser
    state.paths.settings.write_text(f"{deep} = 1")

    async def main() -> int:
        reading = asyncio.create_task(compared(state))
        rounds = 0
        while not reading.done():
            await asyncio.sleep(0.005)
            rounds += 1
        with pytest.raises(ConfigError):
            await reading
        return rounds

    assert asyncio.run(main()) > 5


def test_kill_ends_a_server_and_what_it_has_started_and_no_other(ask: Asked) -> None:
    parts = ask.parts
    nest = (
        f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEP!r}], start_new_session=True); {SLEEP}"
    )
    server, mark = parts.server("s3", nest, ready=True), parts.site.paths.mark

    def family() -> list[int]:
        return [member.pid for member in members.of_process(mark, "server", "s3", server.process)]

    asyncio.run(until(lambda: len(family()) == 2))
    assert ask("kill", server="s3") == [{"kill": "s3"}]
    asyncio.run(until(lambda: not family()))
    assert all(one.process and one.process.alive for one in parts.state.processes.servers.values() if one != server)


def test_stop_and_leave_end_the_control_plane_in_their_ways(ask: Asked) -> None:
    for verb, words in (("stop", {}), ("stop", {"now": True}), ("leave", {})):
        ask(verb, **words)
    assert ask.ended == ["stop", "force", "leave"]
    assert all(one.process and one.process.alive for one in ask.parts.state.processes)


def test_the_last_events(ask: Asked) -> None:
    for number in range(5):
        ask.parts.state.say(Event("note", "site", str(number)))
    assert [entry["text"] for entry in ask("events", number=2)] == ["3", "4"]
    assert ask("events", number=0) == []


def test_events_as_they_happen_until_nobody_listens(ask: Asked) -> None:
    state = ask.parts.state

    async def main() -> list[str]:
        state.say(Event("note", "site", "before"))
        events = ask.operator.events(follow=True)
        texts = [(await anext(events))["text"]]
        state.say(Event("note", "site", "now"))
        texts.append((await anext(events))["text"])
        await events.aclose()  # type: ignore[attr-defined]
        return texts

    assert asyncio.run(main()) == ["before", "now"]
    assert state.journal._followers == []


def test_status_tells_of_each_server(ask: Asked) -> None:
    [status] = ask("status")
    processes = ask.parts.state.processes.servers.values()
    assert {one["name"] for one in status["servers"]} <= {one.name for one in processes}
    assert status["name"] == "test"


def test_orders_are_read_back_as_they_were_written() -> None:
    site = Site(generation=2, drain=frozenset({"s1"}), restart=frozenset({"s2", "s3"}))
    assert with_orders(Site(), Record(orders=to_record(site))) == site


def test_a_record_without_orders_changes_nothing() -> None:
    assert with_orders(Site(), Record()) == Site()
