"""What the warm process reports of the application, and its first request."""

import asyncio
import os
import signal
import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from seawall.errors import StateUnusable
from seawall.fleet import server, warm
from seawall.paths import bound_logs
from tests.patience import PATIENCE, until

from .conftest import Site, ended

HELLO = """
    def app(environ, start_response):
        start_response("200 OK", [])
        return [b"hello"]
"""


def test_a_broken_application_is_reported_by_its_own_traceback(make: Callable[..., Site]) -> None:
    async def scenario() -> None:
        site = make({"app.py": "import missing_module\n", "other.py": ""}, wsgi="app:app")
        report = await site.warmed()
        assert not report.ready
        first, *frames = report.failed.splitlines()
        assert str(site.application.python) in first
        assert frames == [
            "Traceback (most recent call last):",
            f'  File "{site.application.folder}/app.py", line 1, in <module>',
            "    import missing_module",
            "ModuleNotFoundError: No module named 'missing_module'",
        ]
        assert await ended(site.started[0]) == "exit code 1"

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def app(:\n", "SyntaxError"),
        ("import sys; sys.exit(3)\n", "sys.exit(3)"),
        ("print('so long'); import os; os._exit(4)\n", "so long"),
        ("import os; os._exit(4)\n", "without printing anything"),
        ("other = 1\n", "has no attribute 'app'"),
        ("app = 1\n", "not callable"),
        ("async def app(scope, receive, send): pass\n", "asgi ="),
        ("try:\n    1/0\nexcept ZeroDivisionError as e:\n    raise KeyError('x') from e\n", "direct cause"),
    ],
)
def test_other_ways_not_to_start(make: Callable[..., Site], source: str, said: str) -> None:
    async def scenario() -> None:
        report = await make({"app.py": source}, wsgi="app:app").warmed()
        assert not report.ready
        assert said in report.failed
        assert "seawall_inside" not in report.failed
        assert "/inside/" not in report.failed

    asyncio.run(scenario())


def test_a_log_that_cannot_be_written(make: Callable[..., Site]) -> None:
    site = make({"app.py": HELLO}, wsgi="app:app")
    (site.paths.logs / "application.log").mkdir()
    with pytest.raises(StateUnusable, match=r"application\.log"):
        site.spawn()


def test_a_log_that_is_put_aside_while_it_is_written_to(make: Callable[..., Site]) -> None:
    async def scenario() -> None:
        site = make({"app.py": "print('imported')\n" + textwrap.dedent(HELLO)}, wsgi="app:app")
        log = site.paths.logs / "application.log"
        log.write_bytes(b"x" * 20_000_001)
        process = site.spawn()
        await warm.status(site.paths, "w1", 15)
        assert bound_logs(site.paths) == []
        assert log.with_suffix(".log.1").read_text().endswith("imported\n")
        process.signal(signal.SIGTERM)
        await ended(process)
        assert log.stat().st_size < 10_000, "who had it open goes on at its new end"

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("body", "note"),
    [
        ("raise RuntimeError('no luck')", "failed: RuntimeError: no luck"),
        ("start_response('503 Busy', []); return []", "answered 503 Busy"),
    ],
)
def test_a_failing_first_request_is_only_noted(make: Callable[..., Site], body: str, note: str) -> None:
    async def scenario() -> None:
        site = make({"app.py": f"def app(environ, start_response):\n    {body}\n"}, wsgi="app:app")
        report = await site.warmed()
        assert report.ready
        assert report.can_fork
        assert note in report.notes[0]
        await site.fork("s1")

    asyncio.run(scenario())


def test_the_first_request_follows_where_it_is_led(make: Callable[..., Site]) -> None:
    leads = """
        asked = []
        def app(environ, start_response):
            asked.append(environ["PATH_INFO"] + "?" + environ["QUERY_STRING"])
            there = {"/": "/en/?a=b", "/en/": "https://localhost/caf%C3%A9/"}.get(environ["PATH_INFO"])
            start_response("302 Found" if there else "200 OK", [("Location", there)] if there else [])
            return [" ".join(asked).encode("latin-1")]
    """

    async def scenario() -> None:
        site = make({"app.py": leads}, wsgi="app:app")
        assert (await site.warmed()).notes == ()
        await site.fork("s1")
        assert await site.get("s1", "/x") == (200, "/? /en/?a=b /café/? /x?")

    asyncio.run(scenario())


def test_an_application_that_never_answers_does_not_stop_the_warm_process(
    make: Callable[..., Site],
) -> None:
    hangs = """
        import time
        def app(environ, start_response):
            try:
                time.sleep(60)
            except Exception:
                time.sleep(60)
    """

    async def scenario() -> None:
        site = make({"app.py": hangs}, wsgi="app:app")
        site.application = replace(site.application, warm_timeout=0.3)
        report = await site.warmed()
        assert report.ready
        assert report.can_fork
        assert "no answer after 0.3 s" in report.notes[0]
        await site.fork("s1")

    asyncio.run(scenario())


def test_not_ready_while_it_imports(make: Callable[..., Site]) -> None:
    async def scenario() -> None:
        site = make({"app.py": "    import time; time.sleep(0.5)\n" + HELLO}, wsgi="app:app")
        site.spawn()
        assert await warm.status(site.paths, "w1", 0.1) == warm.WarmReport()
        # The questions nobody waited for are no obstacle.
        assert (await warm.status(site.paths, "w1", PATIENCE)).ready

    asyncio.run(scenario())


NAMES = ("json", "socket", "logging", "queue", "selectors", "email", "mimetypes", "importlib", "turns", "run", "setup")


@pytest.mark.parametrize("kind", ["wsgi", "asgi"])
def test_an_application_may_have_modules_named_as_ours_and_python_s(make: Callable[..., Site], kind: str) -> None:
    """As under gunicorn and uvicorn: what they have imported is Python's, everything else the application's own."""
    asgi = """
        import setup
        async def app(scope, receive, send):
            if scope["type"] == "http":
                await send({"type": "http.response.start", "status": 200, "headers": []})
                await send({"type": "http.response.body", "body": setup.OWN})
    """
    wsgi = """
        import setup
        def app(environ, start_response):
            start_response("200 OK", [])
            return [setup.OWN]
    """
    files = {f"{name}.py": "OWN = b'its own'\n" for name in NAMES}

    async def scenario() -> None:
        site = make({**files, "app.py": wsgi if kind == "wsgi" else asgi}, **{kind: "app:app"})
        report = await site.warmed()
        assert report.ready, report.failed
        await site.fork("s1")
        status, body = await site.get("s1")
        assert (status, "its own" in body) == (200, True)
        await server.pulse(site.paths, "s1", 5)

    asyncio.run(scenario())


def test_the_first_request_s_time_is_a_setting(make: Callable[..., Site]) -> None:
    slow = "import time\ndef app(environ, start_response):\n    time.sleep(60)\n"

    async def scenario() -> None:
        report = await make({"app.py": slow}, wsgi="app:app", warm_timeout=0.3).warmed()
        assert "no answer after 0.3 s (warm_timeout" in report.notes[0]
        assert "longer than warm_timeout = 0.3 s" in report.notes[1]

    asyncio.run(scenario())


LEAVES = """
    import atexit, threading, time
    atexit.register(time.sleep, 3600)
    threading.Thread(target=time.sleep, args=(3600,)).start()
    raise RuntimeError("no luck")
"""


def test_a_failing_import_is_told_though_the_application_does_not_end(make: Callable[..., Site]) -> None:
    async def scenario() -> None:
        site = make({"app.py": LEAVES}, wsgi="app:app")
        report = await site.warmed()
        assert "RuntimeError: no luck" in report.failed
        assert not report.ended
        assert await ended(site.started[0], within=30.0) == "exit code 1"
        report = await warm.status(site.paths, "w1", 5)
        assert report.ended
        assert "RuntimeError: no luck" in report.failed

    asyncio.run(scenario())


JOBS = """
    import os, time

    def job():
        if pid := os.fork():
            return pid
        os.setsid()
        time.sleep(60)
        os._exit(0)

    OLD = job()

    def app(environ, start_response):
        body = f"{OLD} {job()}\\n" if environ["PATH_INFO"] == "/x" else "warm"
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body.encode()]
"""


def test_what_the_application_forks_does_not_pass_for_one_of_ours(make: Callable[..., Site]) -> None:
    """It may outlive its server, and whoever calls itself as we do is ended: control/strangers.py."""

    async def scenario() -> None:
        site = make({"app.py": JOBS}, wsgi="app:app")
        await site.warmed()
        await site.fork("s1")
        reader, writer = await asyncio.open_unix_connection(site.paths.server_socket("s1"))
        writer.write(b"GET /x HTTP/1.0\r\nHost: localhost\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        jobs = [int(pid) for pid in (await reader.readline()).split()]
        writer.close()

        def titles() -> list[str]:
            return [Path(f"/proc/{pid}/comm").read_text().strip() for pid in jobs]

        try:
            until(lambda: titles() == ["job of w1", "job of s1"], "their names")
        finally:
            for pid in jobs:
                os.kill(pid, signal.SIGKILL)

    asyncio.run(scenario())
