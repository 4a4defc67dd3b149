"""The end of a site: requests are finished, processes asked before they are killed, and what is left is told."""

import asyncio
import signal

from seawall import members
from seawall.control.stop import stop
from tests.control.parts import Parts, until

# Says that it is there, and when it was asked to end.
POLITE = """
import pathlib, signal, sys, time
here = pathlib.Path({folder!r})
def asked(*_):
    (here / "asked").touch()
    sys.exit()
signal.signal(signal.SIGTERM, asked)
(here / "there").touch()
time.sleep(600)
"""


def polite(parts: Parts) -> str:
    return POLITE.format(folder=str(parts.site.paths.project))


def test_a_stopped_process_hears_that_it_is_to_end(parts: Parts) -> None:
    server, folder = parts.server(code=polite(parts)), parts.site.paths.project

    async def main() -> list[str]:
        await until((folder / "there").exists)
        assert server.process
        server.process.signal(signal.SIGSTOP)
        await until(lambda: server.process and server.process.stopped)
        return await stop(parts.state.processes, None, 1.0, lambda: False, parts.state.groups)

    assert asyncio.run(main()) == []
    assert (folder / "asked").exists()
    assert members.of_site(parts.site.paths.mark) == []


def test_what_nobody_has_on_record_is_ended_too(parts: Parts) -> None:
    unknown = parts.child("server", "s9")
    assert asyncio.run(stop(parts.state.processes, None, 1.0, lambda: False, parts.state.groups)) == []
    assert not unknown.alive


def test_files_are_removed_but_for_the_lock_and_what_cannot_be_is_told(parts: Parts) -> None:
    paths = parts.site.paths
    files = [paths.control_lock, paths.processes, paths.server_socket("s1"), paths.offered / "s1.sock"]
    for path in files:
        path.touch()
    stubborn = paths.runtime / "stubborn"
    (stubborn / "full").mkdir(parents=True)
    left = asyncio.run(stop(parts.state.processes, None, 1.0, lambda: False, parts.state.groups))
    assert [path for path in files if path.exists()] == [paths.control_lock]
    assert [str(stubborn) in words for words in left] == [True]


async def requested(parts: Parts, milliseconds: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A request that a server works on."""
    site = parts.site
    await site.balancer("a", site.upstream("s1"))
    parts.balancer("a")
    reader, writer = await asyncio.open_connection("127.0.0.1", site.ports["http"])
    writer.write(f"POST /?id=1&ms={milliseconds} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())
    await until(site.journal.exists)
    return reader, writer


def test_a_request_in_flight_is_finished(parts: Parts) -> None:
    async def main() -> bytes:
        reader, writer = await requested(parts, 500)
        await stop(parts.state.processes, parts.state.listeners, 60.0, lambda: False, parts.state.groups)
        answer = await reader.read()
        writer.close()
        return answer

    assert asyncio.run(main()).endswith(b"s1")
    assert not parts.site.balancers["a"].alive


def test_forced_nobody_waits_for_it(parts: Parts) -> None:
    async def main() -> bytes:
        reader, writer = await requested(parts, 600_000)
        await stop(parts.state.processes, parts.state.listeners, 600.0, lambda: True, parts.state.groups)
        answer = await reader.read()
        writer.close()
        return answer

    assert asyncio.run(main()) == b""
    assert not parts.site.balancers["a"].alive
