"""Who counts as hung: servers that only work for nobody, that are stopped, and that never begin."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from seawall.control.heartbeats import GivenUp, Heartbeats
from seawall.control.processes import Server, Warm
from seawall.control.tasks import Tasks
from seawall.fleet.server import beat_socket
from seawall.judge import Pulse
from seawall.model import BalancerSeen, Memory, Observed, RouteSeen
from tests.control.parts import Parts, until

# Answers each heartbeat with what is in a file.
SERVER = """
import pathlib, socket
listener = socket.socket(socket.AF_UNIX)
listener.bind({socket!r})
listener.listen(16)
while True:
    client, _ = listener.accept()
    client.recv(4096)
    client.sendall(b"HTTP/1.1 200 OK\\r\\n\\r\\n" + pathlib.Path({said!r}).read_bytes())
    client.close()
"""


def said(parts: Parts) -> Path:
    return parts.site.paths.project / "said.json"


def server(parts: Parts, pulse: Pulse, **fields: object) -> Server:
    said(parts).write_text(json.dumps(asdict(pulse)))
    code = SERVER.format(socket=str(beat_socket(parts.site.paths, "s1")), said=str(said(parts)))
    return parts.server(code=code, beat=True, **{"ready": True, **fields})


@asynccontextmanager
async def asked(parts: Parts, seen: Observed | None = None) -> AsyncIterator[Heartbeats]:
    """While the servers are asked."""
    tasks = Tasks(parts.failures.append)
    await until(lambda: not parts.state.processes.servers["s1"].beat or beat_socket(parts.site.paths, "s1").exists())
    heartbeats = Heartbeats(parts.state, tasks)
    heartbeats.look(seen or Observed())
    try:
        yield heartbeats
    finally:
        await tasks.cancel()
        assert parts.failures == []


def impatient(parts: Parts) -> None:
    parts.state.wanted = replace(parts.state.wanted, edge=replace(parts.state.wanted.edge, request_timeout=0.1))


# All two places are taken by requests whose visitors have gone; the loop of such a server goes round.
ABANDONED = Pulse(loop=1, begun=2, ended=0, working=2, abandoned=2, slots=2)


def test_a_server_that_works_only_for_nobody_hangs(parts: Parts) -> None:
    impatient(parts)
    woken = asyncio.Event()
    parts.wake = woken.set
    found = server(parts, ABANDONED)

    async def main() -> None:
        async with asked(parts):
            await until(lambda: "nobody waits" in found.hung)
            assert woken.is_set()
            assert found.busy

    asyncio.run(main())


def test_one_that_has_a_place_left_does_not(parts: Parts) -> None:
    impatient(parts)
    found = server(parts, replace(ABANDONED, abandoned=1))
    other = GivenUp()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with asked(parts):
            # For much longer than another one, which has none left, takes to be given up.
            await until(lambda: other.seconds(ABANDONED, 2, loop.time()) > 10 * 0.1)
            assert (found.hung, found.busy) == ("", False)

    asyncio.run(main())


def test_since_when_nobody_waits_is_since_a_request_ended_last() -> None:
    given_up = GivenUp()
    assert given_up.seconds(ABANDONED, 2, 100.0) == 0
    assert given_up.seconds(ABANDONED, 2, 107.0) == 7
    assert given_up.seconds(replace(ABANDONED, ended=1), 2, 108.0) == 0
    assert given_up.seconds(replace(ABANDONED, ended=1), 2, 109.0) == 1
    assert given_up.seconds(replace(ABANDONED, ended=1, abandoned=1), 2, 110.0) == 0
    assert given_up.seconds(replace(ABANDONED, ended=1, abandoned=3), 2, 112.0) == 2


def test_one_that_is_stopped_hangs_until_it_goes_on(parts: Parts) -> None:
    found = server(parts, Pulse())

    async def main() -> None:
        assert found.process
        async with asked(parts):
            found.process.signal(signal.SIGSTOP)
            await until(lambda: "is stopped" in found.hung)
            found.process.signal(signal.SIGCONT)
            await until(lambda: found.hung == "")

    asyncio.run(main())


def test_what_makes_no_sense_proves_nothing(parts: Parts) -> None:
    found = server(parts, Pulse())
    said(parts).write_text("nonsense")

    async def main() -> None:
        async with asked(parts) as heartbeats:
            await asyncio.sleep(0.5)
            assert found.hung == ""
            assert heartbeats.followed == {"s1"}

    asyncio.run(main())


@pytest.mark.parametrize("memory", [Memory(), Memory(stopping={"s1": 1.0})])
def test_who_is_asked(parts: Parts, memory: Memory) -> None:
    """Not who is told to stop, who has not answered yet, nor a command that its balancer does not miss."""
    server(parts, Pulse())
    parts.server("s2", ready=True)
    parts.server("s3", ready=True)
    parts.server("s4", beat=True)
    parts.state.record.memory = memory
    missed = BalancerSeen("a", routes=(RouteSeen("random", "s3", "down"), RouteSeen("random", "s2", "up")))

    async def main() -> set[str]:
        async with asked(parts, Observed(balancers=(missed,), active="a")) as heartbeats:
            return set(heartbeats.followed)

    assert asyncio.run(main()) == {"s1", "s3"} - set(memory.stopping)


def test_it_is_asked_no_more_once_it_is_gone(parts: Parts) -> None:
    found = server(parts, Pulse())

    async def main() -> None:
        async with asked(parts) as heartbeats:
            found.exited = True
            await until(lambda: not heartbeats.followed)

    asyncio.run(main())


BEGINNERS: dict[str, Callable[[Parts], Server | Warm]] = {
    "server": lambda parts: parts.server(),
    "warm": lambda parts: Warm("w1", process=parts.child("warm", "w1")),
}


@pytest.mark.parametrize("kind", BEGINNERS)
def test_a_beginner_that_is_stopped_hangs(parts: Parts, kind: str) -> None:
    """Twice in a row, as a shell may stop it for a moment; and not once it has gone on."""
    found = BEGINNERS[kind](parts)
    parts.state.processes.add(found)
    process = found.process
    assert process
    heartbeats = Heartbeats(parts.state, Tasks(parts.failures.append))

    def looks() -> list[str]:
        hung = []
        for _ in range(3):
            heartbeats.look(Observed())
            hung.append(found.hung)
        return hung

    async def main() -> None:
        assert looks() == ["", "", ""]
        process.signal(signal.SIGSTOP)
        await until(lambda: process.stopped)
        first, *later = looks()
        assert first == ""
        assert all("is stopped" in hung for hung in later)
        process.signal(signal.SIGCONT)
        await until(lambda: not process.stopped)
        assert looks() == ["", "", ""]

    asyncio.run(main())
