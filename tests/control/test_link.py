"""One balancer's link: when its word is known, in which order steps are done, and what is told of it."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from seawall.control.act.balancers import Balancers
from seawall.control.link import Link, Step
from seawall.control.tally import Tally
from seawall.control.tasks import Tasks
from seawall.haproxy.socket import RuntimeSocket, Word
from seawall.lost import Refused
from seawall.model import Load, Route, RouteStep, SetStrategy, Strategy
from seawall.process import Process
from tests.client import Connection
from tests.control.parts import Parts, until

OLD: Strategy = "least-connections"
NEW: Strategy = "random"


@dataclass
class Linked:
    """A running balancer whose link is under way."""

    parts: Parts
    link: Link
    process: Process
    tally: Tally

    @property
    def word(self) -> Word | None:
        return self.link.word(asyncio.get_running_loop().time())

    async def known(self) -> Word:
        """Its word, once it is known."""
        await until(lambda: self.word)
        assert self.word
        return self.word

    async def done(self, *steps: Step) -> Word:
        """Its word after these."""
        await self.known()
        self.link.post(steps)
        return await self.known()

    @property
    def refusals(self) -> int:
        return self.parts.kinds().count("step-failed")


@asynccontextmanager
async def linked(parts: Parts, *names: str) -> AsyncIterator[Linked]:
    await parts.site.balancer("a", parts.site.upstream(*names))
    for name in names:
        parts.server(name, ready=True, address=parts.site.address(name).address)
    balancer = parts.balancer("a")
    tasks = Tasks(parts.failures.append)
    balancers = Balancers(parts.state, tasks)
    balancers.watch(balancer)
    assert balancer.process
    try:
        yield Linked(parts, balancers.links["a"], balancer.process, balancers.tally)
    finally:
        balancer.process.signal(signal.SIGCONT)
        await tasks.cancel()


def route(step: RouteStep, strategy: Strategy = NEW, server: str = "s1") -> Route:
    return Route("", "a", strategy, server, step)


SWITCH = SetStrategy("", "a", NEW)


def servers(word: Word, strategy: Strategy) -> dict[str, str]:
    return {seen.server: seen.status for seen in word.routes if seen.strategy == strategy}


def test_its_word_is_unknown_from_the_moment_steps_are_posted_until_they_are_done(parts: Parts) -> None:
    async def main() -> None:
        async with linked(parts, "s1") as there:
            before = await there.known()
            there.link.post([route("add"), route("enable")])
            assert there.word is None
            after = await there.known()
            assert (servers(before, NEW), servers(after, NEW)) == ({}, {"s1": "up"})

    asyncio.run(main())


def test_a_word_given_while_steps_wait_is_none(parts: Parts) -> None:
    """It was asked for before they were posted, and says nothing of them."""

    async def main() -> None:
        async with linked(parts, "s1") as there:
            await there.known()
            parts.state.moving = True
            there.process.signal(signal.SIGSTOP)
            await until(lambda: there.link.balancer.owes)
            words: list[Word | None] = []
            parts.wake = lambda: words.append(there.word)
            there.link.post([route("add"), route("enable")])
            there.process.signal(signal.SIGCONT)
            await there.known()
            await until(lambda: any(words))
            assert all(servers(word, NEW) == {"s1": "up"} for word in words if word)

    asyncio.run(main())


def test_the_word_of_one_that_is_silent_is_soon_unknown(parts: Parts) -> None:
    async def main() -> None:
        async with linked(parts) as there:
            await there.known()
            there.process.signal(signal.SIGSTOP)
            await until(lambda: there.word is None)
            there.process.signal(signal.SIGCONT)
            await there.known()

    asyncio.run(main())


def test_servers_enter_then_visitors_are_sent_there_then_servers_leave(parts: Parts) -> None:
    """By what is left undone after a refusal: everything later, and nothing earlier."""

    async def main() -> None:
        async with linked(parts, "s1", "s2") as there:
            # s2 was never added there.
            word = await there.done(route("enable", server="s2"), SWITCH, route("maint", OLD))
            assert (word.strategy, servers(word, OLD)["s1"]) == (OLD, "up")
            # s2 cannot be removed, as it serves.
            word = await there.done(route("add"), route("enable"), SWITCH, route("remove", OLD, "s2"))
            assert (word.strategy, servers(word, NEW)) == (NEW, {"s1": "up"})
            assert there.refusals == 2

    asyncio.run(main())


def test_all_of_a_plan_is_done(parts: Parts) -> None:
    async def main() -> None:
        async with linked(parts, "s1") as there:
            word = await there.done(
                route("add"), route("enable"), SWITCH, route("drain", OLD), route("maint", OLD), route("remove", OLD)
            )
            assert (word.strategy, servers(word, NEW), servers(word, OLD)) == (NEW, {"s1": "up"}, {})
            assert there.refusals == 0

    asyncio.run(main())


def test_while_steps_wait_others_are_left_for_the_next_round(parts: Parts) -> None:
    async def main() -> None:
        async with linked(parts, "s1") as there:
            await there.known()
            there.link.post([route("add"), route("enable")])
            there.link.post([SWITCH])
            word = await there.known()
            assert (word.strategy, servers(word, NEW)) == (OLD, {"s1": "up"})

    asyncio.run(main())


def test_after_a_refusal_there_is_a_pause_however_often_it_is_asked(parts: Parts) -> None:
    """Counted in answers of the same HAProxy, which refuses the same over another connection meanwhile."""

    async def main() -> None:
        async with linked(parts, "s1") as there:
            await there.known()
            other = RuntimeSocket(parts.site.paths.balancer_socket("a"), patience=None)
            answers = 0
            while there.refusals < 3:
                there.link.post([route("enable", server="s9")])
                await other.ask("set server random/s9 state ready")
                answers += 1
            other.close()
            assert answers > 2 * there.refusals

    asyncio.run(main())


def test_it_refuses_what_it_is_to_refuse_and_nothing_of_before(parts: Parts) -> None:
    async def main() -> None:
        async with linked(parts) as there:
            socket = RuntimeSocket(parts.site.paths.balancer_socket("a"), patience=None)

            async def refused(word: str) -> bool:
                return word in await socket.ask("show map refused.map")

            there.link.refused = Refused(frozenset({"192.0.2.1 /crash?x"}))
            while not await refused("/crash?x"):
                await asyncio.sleep(0.01)
            there.link.refused = Refused(frozenset({"192.0.2.1 /other"}))
            while not await refused("/other"):
                await asyncio.sleep(0.01)
            assert not await refused("/crash")
            socket.close()

    asyncio.run(main())


def test_requests_that_ended_servers_are_heard_of(parts: Parts) -> None:
    async def main() -> None:
        async with linked(parts, "s1") as there:
            await there.known()
            reader, writer = await asyncio.open_connection("127.0.0.1", parts.site.ports["http"])
            writer.write(b"GET /?status=502&ended=s3,s4 HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b" 502 " in await reader.readline()
            writer.close()
            there.link.look_for_losses()
            await until(lambda: parts.state.deaths)
            assert [death.servers for death in parts.state.deaths] == [("s3", "s4")]

    asyncio.run(main())


def test_one_that_is_stopped_hangs_until_it_goes_on(parts: Parts) -> None:
    async def main() -> None:
        async with linked(parts) as there:
            await there.known()
            balancer, woken = there.link.balancer, asyncio.Event()
            parts.wake = woken.set
            there.process.signal(signal.SIGSTOP)
            await until(lambda: "is stopped" in balancer.hung)
            assert balancer.owes
            assert woken.is_set()
            there.process.signal(signal.SIGCONT)
            await until(lambda: not balancer.hung and not balancer.owes)

    asyncio.run(main())


def test_it_ends_with_its_process_and_owes_nothing_then(parts: Parts) -> None:
    async def main() -> None:
        async with linked(parts) as there:
            await there.known()
            balancer = there.link.balancer
            there.process.signal(signal.SIGSTOP)
            await until(lambda: balancer.hung)
            there.process.signal(signal.SIGKILL)
            await until(lambda: balancer.exited and not balancer.hung)
            assert not balancer.answering
            assert parts.failures == []

    asyncio.run(main())


def test_what_it_has_counted_is_read_while_there_are_requests(parts: Parts) -> None:
    async def main() -> None:
        async with linked(parts, "s1") as there:
            await there.known()
            woken = asyncio.Event()
            parts.wake = woken.set
            tally, loop = there.tally, asyncio.get_running_loop()

            def load() -> Load:
                return tally.load("a", parts.state.processes.balancers, {}, loop.time()) or Load(0.0)

            await until(lambda: not there.link.loaded and load().at)
            before = load()
            visitor = Connection("127.0.0.1", parts.site.ports["http"], None)
            asked = asyncio.create_task(visitor.request("GET", "/?ms=500"))
            await until(lambda: load().serving == 1)
            assert there.link.loaded
            assert woken.is_set()
            assert (await asked).status == 200
            visitor.close()
            await until(lambda: not there.link.loaded)
            assert (load().arrived, load().finished) == (before.arrived + 1, before.finished + 1)
            assert 0.3 < load().work - before.work < 5.0

    asyncio.run(main())
