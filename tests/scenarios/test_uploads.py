"""Uploads over HTTP/2: several at once, and to a view that does not read them."""

from collections.abc import Iterator

import pytest

from tests.scenarios.site import Site, running
from tests.scenarios.streams import Streams

APPLICATION = """
def application(environ, start_response):
    if environ["PATH_INFO"] == "/read":
        length = len(environ["wsgi.input"].read())
        start_response("200 OK", [("Content-Length", str(len(str(length))))])
        return [str(length).encode()]
    start_response("302 Found", [("Location", "/login"), ("Content-Length", "0")])
    return [b""]
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site.small(tmp_path_factory.mktemp("uploads"))
    (site.folder / "application.py").write_text(APPLICATION)
    with running(site):
        yield site


@pytest.mark.parametrize("length", [20_000, 1_000_000])
@pytest.mark.parametrize("times", [3, 6])
def test_side_by_side(site: Site, times: int, length: int) -> None:
    with Streams(site.https) as streams:
        numbers = streams.upload("/read", length, times)
        page = streams.ask("/read")
        answers = [streams.wait(number, 20.0) for number in numbers]
        assert [answer.body for answer in answers] == [str(length).encode()] * times
        assert streams.wait(page, 20.0).body == b"0"


def test_twelve_at_once_over_one_connection(site: Site) -> None:
    with Streams(site.https) as streams:
        numbers = [streams.ask("/login", "POST", [("content-length", "60000")], more=True) for _ in range(12)]
        for number in numbers:
            streams.send(number, b"x" * 60000)
        answers = [streams.wait(number, 60.0) for number in numbers]
    assert [(answer.status, answer.ended, answer.reset) for answer in answers] == [(302, True, False)] * 12


@pytest.mark.parametrize("length", [[], [("content-length", "5000000")]], ids=["no length", "length"])
def test_who_stops_sending_when_the_answer_comes(site: Site, length: list[tuple[str, str]]) -> None:
    for _ in range(4):
        with Streams(site.https) as streams:
            number = streams.ask("/login", "POST", length, more=True)
            streams.send(number, b"x" * 60000, last=False)
            answer = streams.wait(number, 60.0)
            assert (answer.status, answer.ended, answer.reset) == (302, True, False)
