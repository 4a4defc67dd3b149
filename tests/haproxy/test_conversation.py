"""One connection, many commands: in a row, shared by tasks, opened again when it was lost."""

import asyncio
import os
import signal
from typing import Any

import pytest

from seawall.haproxy.conversation import Conversation
from tests.haproxy.site import Site, until


async def opened(site: Site) -> Conversation:
    await site.balancer("a", [])
    return Conversation(site.paths.balancer_socket("a"))


def test_answers_come_in_the_order_of_the_commands(site: Site) -> None:
    async def main() -> None:
        conversation = await opened(site)
        commands = [f"show stat app_{name} 4 -1" for name in ("random", "round-robin")] + ["show version"] * 40
        answers = await conversation.ask(commands)
        assert len(answers) == 42
        assert {answer.strip() for answer in answers[2:]} == {answers[2].strip()}
        assert answers[0].startswith("# pxname")
        assert conversation.asked is None
        conversation.close()

    asyncio.run(main())


def test_tasks_share_it(site: Site) -> None:
    async def main() -> None:
        conversation = await opened(site)

        async def ask(number: int) -> str:
            return (await conversation.ask([f"get var nothing{number}", "show info"]))[1]

        answers = await asyncio.gather(*(ask(number) for number in range(30)))
        assert all("Pid:" in answer for answer in answers)
        [connections] = {line.split()[1] for line in answers[-1].splitlines() if line.startswith("CurrConns:")}
        assert int(connections) <= 2
        conversation.close()

    asyncio.run(main())


def test_who_gives_up_does_not_get_anothers_answer(site: Site) -> None:
    async def main() -> None:
        conversation = await opened(site)
        await conversation.ask(["show version"])
        balancer = site.balancers["a"]
        os.kill(balancer.pid, signal.SIGSTOP)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await conversation.ask(["show info"])
        os.kill(balancer.pid, signal.SIGCONT)
        [answer] = await conversation.ask(["show version"])
        assert "Pid:" not in answer
        conversation.close()

    asyncio.run(main())


def test_a_question_is_owed_while_the_balancer_is_silent(site: Site) -> None:
    async def main() -> None:
        conversation = await opened(site)
        await conversation.ask(["show version"])
        balancer = site.balancers["a"]
        os.kill(balancer.pid, signal.SIGSTOP)
        question: asyncio.Task[Any] = asyncio.create_task(conversation.ask(["show version"]))
        await asyncio.sleep(0.2)
        assert conversation.asked is not None
        assert not conversation.arrived()
        os.kill(balancer.pid, signal.SIGCONT)
        assert await question
        assert conversation.asked is None
        conversation.close()

    asyncio.run(main())


def test_the_end_of_the_balancer_ends_the_question(site: Site) -> None:
    async def main() -> None:
        conversation = await opened(site)
        await conversation.ask(["show version"])
        site.balancers["a"].signal(signal.SIGKILL)

        async def refused() -> bool:
            try:
                await conversation.ask(["show version"])
            except ConnectionError:
                return True
            return False

        await until(refused)
        with pytest.raises(ConnectionError):
            await conversation.ask(["show version"])
        await site.balancer("a", [])
        assert await conversation.ask(["show version"])
        conversation.close()

    asyncio.run(main())


def test_who_closes_it_under_a_question_ends_the_question(site: Site) -> None:
    async def main() -> None:
        conversation = await opened(site)
        await conversation.ask(["show version"])
        os.kill(site.balancers["a"].pid, signal.SIGSTOP)
        question = asyncio.create_task(conversation.ask(["show version", "show info"]))
        await asyncio.sleep(0.1)
        conversation.close()
        with pytest.raises(ConnectionError):
            await question
        os.kill(site.balancers["a"].pid, signal.SIGCONT)
        assert await conversation.ask(["show version"])
        conversation.close()

    asyncio.run(main())
