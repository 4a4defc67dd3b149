"""The notes by which no request kills a third server: in memory that real processes share, and die in."""

import asyncio
import multiprocessing
import os
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from seawall.fleet.inside import tries
from seawall.fleet.inside.tries import ENDED, SIZE, Tries
from seawall.fleet.interpreter import TRIES_SIZE

FORK = multiprocessing.get_context("fork")


@pytest.fixture
def shared() -> Iterator[Tries]:
    fd = os.memfd_create("tries")
    os.ftruncate(fd, SIZE)
    yield Tries(fd)
    os.close(fd)


def headers(number: str) -> list[tuple[str, str]]:
    return [("HOST", "x"), ("X-REQUEST-ID", number)]


def dies(notes: Tries, server: str, number: str, method: str = "GET") -> None:
    """A server that ends in the midst of a request."""

    def serve() -> None:
        os.environ["SEAWALL_SERVER"] = server
        with notes.one(method, headers(number)):
            os._exit(3)

    process = FORK.Process(target=serve)
    process.start()
    process.join()
    assert process.exitcode == 3


def answer(notes: Tries, number: str, method: str = "GET") -> str:
    with notes.one(method, headers(number)) as died:
        return died


def test_the_control_side_makes_the_file_as_large() -> None:
    assert TRIES_SIZE == SIZE


def test_two_deaths_are_enough(shared: Tries) -> None:
    dies(shared, "s3", "1-2-3")
    assert shared._tried(tries._key("GET", headers("1-2-3"), "X-REQUEST-ID"))[0] == 1
    dies(shared, "s12", "1-2-3")
    assert answer(shared, "1-2-3") == "s3,s12"
    assert answer(shared, "1-2-3") == "s3,s12"
    assert answer(shared, "1-2-4") == ""


def test_a_try_that_ends_proves_the_request_innocent(shared: Tries) -> None:
    dies(shared, "s3", "1-2-3")
    assert answer(shared, "1-2-3") == ""
    dies(shared, "s3", "1-2-3")
    assert answer(shared, "1-2-3") == ""


def test_an_error_is_an_end(shared: Tries) -> None:
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), shared.one("GET", headers("1")):
            raise ZeroDivisionError
    assert answer(shared, "1") == ""


@pytest.mark.parametrize("method", ["POST", "DELETE", "PATCH"])
def test_what_is_never_sent_twice_is_not_noted(shared: Tries, method: str) -> None:
    for server in ("s1", "s2", "s3"):
        dies(shared, server, "1", method)
    assert answer(shared, "1", method) == ""


def test_without_a_number_nothing_is_refused(shared: Tries) -> None:
    for _ in range(3):
        with shared.one("GET", [("HOST", "x")]) as died:
            assert died == ""


def test_second_tries_run_one_at_a_time(shared: Tries, monkeypatch: pytest.MonkeyPatch) -> None:
    """So the second death falls on the one that causes it, and not on those that were beside it the first time."""
    monkeypatch.setattr(tries, "PATIENCE", 60.0)
    numbers = [str(n) for n in range(4)]
    for number in numbers:
        dies(shared, "s1", number)
    inside, most = 0, 0
    counting = threading.Lock()

    def work(number: str) -> None:
        nonlocal inside, most
        with shared.one("GET", headers(number)) as died:
            assert died == ""
            with counting:
                inside += 1
                most = max(most, inside)
            time.sleep(0.02)
            with counting:
                inside -= 1

    threads = [threading.Thread(target=work, args=(number,)) for number in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_a_second_try_that_hangs_does_not_hold_up_the_others_for_ever(
    shared: Tries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tries, "PATIENCE", 0.05)
    for number in ("1", "2"):
        dies(shared, "s1", number)
    with shared.one("GET", headers("1")):
        assert answer(shared, "2") == ""


async def asked(notes: Tries, number: str, application: Any) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": "GET", "headers": [(b"x-request-id", number.encode())]}
    await notes.asgi(application)(scope, receive, send)
    return sent


def test_asgi(shared: Tries) -> None:
    inside, most = 0, 0

    async def application(scope: Any, receive: Any, send: Any) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0.01)
        inside -= 1
        await send({"type": "http.response.start", "status": 200})

    async def scenario() -> None:
        for number in ("1", "2", "3"):
            dies(shared, "s1", number)
        dies(shared, "s2", "3")
        answers = await asyncio.gather(*(asked(shared, number, application) for number in ("1", "2", "3")))
        assert [answer[0]["status"] for answer in answers] == [200, 200, 502]
        assert (ENDED.lower().encode(), b"s1,s2") in answers[2][0]["headers"]
        assert most == 1
        assert (await asked(shared, "1", application))[0]["status"] == 200

    asyncio.run(scenario())


def test_a_websocket_is_not_noted(shared: Tries) -> None:
    reached = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        reached.append(scope["type"])

    async def scenario() -> None:
        await shared.asgi(application)({"type": "websocket", "headers": []}, None, None)  # type: ignore[arg-type]

    asyncio.run(scenario())
    assert reached == ["websocket"]


def test_two_requests_with_the_same_place(shared: Tries, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tries, "_NOTES", 1)
    with shared.one("GET", headers("1")), shared.one("GET", headers("2")):
        pass
    dies(shared, "s1", "1")
    with shared.one("GET", headers("2")):
        assert answer(shared, "1") == ""
    assert answer(shared, "2") == ""
