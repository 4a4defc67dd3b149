"""WSGI applications in forked servers."""

import asyncio
import json
from collections.abc import Callable

from .conftest import Site

FLASK = """
    import os, time
    from flask import Flask, request

    app = Flask(__name__)

    @app.get("/")
    def index():
        return {"pid": os.getpid(), "address": request.remote_addr, "scheme": request.scheme, "url": request.url,
                "port": request.environ["SERVER_PORT"]}

    @app.get("/slow")
    def slow():
        time.sleep(0.5)
        return "done"
"""


def test_flask_is_forked_and_told_who_asks(make: Callable[..., Site]) -> None:
    async def scenario() -> None:
        site = make({"app.py": FLASK}, wsgi="app:app")
        report = await site.warmed()
        assert report.ready
        assert report.can_fork
        assert report.notes == ()
        one, two = await site.fork("s1"), await site.fork("s2")
        headers = ("Host: example.org", "X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https")
        status, body = await site.get("s1", "/", *headers)
        assert status == 200
        assert json.loads(body) == {
            "pid": one.pid,
            "address": "203.0.113.9",
            "scheme": "https",
            "url": "https://example.org/",
            "port": "443",
        }
        assert json.loads((await site.get("s2"))[1])["pid"] == two.pid

    asyncio.run(scenario())
