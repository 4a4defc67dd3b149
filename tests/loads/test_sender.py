"""What loads are sent with: an open loop that waits for nobody, and a closed population that does."""

import contextlib
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from benchmarks.measure import MeasurementFailed
from benchmarks.people import Arrivals, visit
from benchmarks.sender import Due, Latencies, attempt, punctual, send

WORK = 0.03  # s


class Handler(BaseHTTPRequestHandler):
    """Works on one request at a time, and notes how many there are."""

    protocol_version = "HTTP/1.1"
    server: "Small"

    def do_GET(self) -> None:
        with self.server.working():
            status = 500 if self.path == "/error" else 200
        self.send_response(status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def do_POST(self) -> None:
        self.server.posted.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


class Small(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.one, self.noting = threading.Lock(), threading.Lock()
        self.inside = self.most = 0
        self.posted: list[bytes] = []

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        with self.noting:
            self.inside += 1
            self.most = max(self.most, self.inside)
        with self.one:
            time.sleep(WORK)
        yield
        with self.noting:
            self.inside -= 1


@pytest.fixture
def small() -> Iterator[Small]:
    server = Small()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_who_comes_while_others_wait_is_sent_all_the_same(small: Small) -> None:
    schedule = [Due(WORK / 10 * number, "/") for number in range(20)]
    found = send(schedule, small.server_port)
    waits = [answer.seconds for answer in found.answers]
    assert len(waits) == 20
    # All came within two works, so that the last one waited for almost all others; a closed loop would see one work.
    assert max(waits) > 15 * WORK
    assert small.most > 2


def test_what_fails_is_counted_and_the_rest_goes_on(small: Small) -> None:
    schedule = [Due(0.0, "/"), Due(0.01, "/error"), Due(0.02, "/", "POST", b"form")]
    found = attempt(schedule, small.server_port)
    assert len(found.answers) == 2
    assert found.failed.total() == 1
    assert small.posted == [b"form"]
    with pytest.raises(MeasurementFailed, match="/error was answered"):
        send(schedule, small.server_port)


def test_people_wait_for_their_answer_before_they_ask_again(small: Small) -> None:
    found = visit(small.server_port, [Arrivals(1, 0.0, 0.1), Arrivals(3, 0.3, 0.1)], 1.0, 0.0, lambda _: "/")
    assert small.most <= 4
    assert not found.failed
    early = [answer for answer in found.answers if answer.due.at < 0.3]
    assert all(answer.seconds >= WORK * 0.9 for answer in early)
    assert len(found.answers) > len(early) > 1


def test_a_sender_that_was_late_itself_is_asked_again_and_then_believed_no_more() -> None:
    def measured(late: float) -> Latencies:
        found = Latencies()
        found.sent(late)
        return found

    late = iter([0.5, 0.001])
    assert punctual(lambda: measured(next(late)), 10).late_ms < 10
    with pytest.raises(MeasurementFailed, match="void: the sender itself was 500, 500, 500 ms late"):
        punctual(lambda: measured(0.5), 10)
