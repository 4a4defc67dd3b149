"""A site with `servers.min = 0`: it sleeps when nobody comes, and whoever comes then is answered."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPMessage
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from tests.client import insecure
from tests.patience import PATIENCE, until
from tests.scenarios.examine import APPLICATIONS, site_of
from tests.scenarios.site import Site, running
from tests.scenarios.streams import Streams

SETTINGS = """
[servers]
min = 0
max = 2
idle = 0.3
[https]
redirect = false
"""
# In each new server, before it serves.
HOOK = """
import os, time
def starts():
    if not os.environ.pop("FORKED_ONCE", ""):
        os.environ["FORKED_ONCE"] = "yes"  # the process in between, see fleet/inside/forks.py
        return
    try:
        what = open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "start.txt")).read()
    except OSError:
        return
    if what == "dies":
        os._exit(3)
    time.sleep(float(what or 0))
os.register_at_fork(after_in_child=starts)
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site.small(tmp_path_factory.mktemp("sleep"), SETTINGS)
    with (site.folder / "application.py").open("a") as application:
        application.write(HOOK)
    with running(site, start=False):
        site.start()
        yield site


def starts(site: Site, how: str) -> None:
    """From now on a new server takes so many seconds until it serves, or "dies"."""
    (site.folder / "start.txt").write_text(how)


def asleep(site: Site) -> dict[str, Any]:
    """Once it is, and the last server is gone."""
    return site.wait(lambda state: state["open"] and state["asleep"] is not None and not state["servers"])


def ask(site: Site, path: str = "/", method: str = "GET", body: bytes = b"") -> tuple[int, HTTPMessage, bytes]:
    connection = HTTPConnection("127.0.0.1", site.http, timeout=PATIENCE)
    try:
        connection.request(method, path, body or None)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def crowd(site: Site, number: int, name: str) -> list[tuple[int, HTTPMessage, bytes]]:
    """So many at once, each fourth with a form, of which half are large; the forms' numbers begin with `name`."""

    def one(n: int) -> tuple[int, HTTPMessage, bytes]:
        if n % 4:
            return ask(site, f"/?n={n}")
        return ask(site, f"/?id={name}{n}", "POST", b"x" * (100_000 if n % 8 else 100))

    with ThreadPoolExecutor(number) as people:
        return list(people.map(one, range(number)))


def done_once(site: Site, name: str) -> list[str]:
    """The forms of that name that were carried out; none of them twice."""
    done = Counter(number for number in site.posts() if number.startswith(name))
    assert set(done.values()) <= {1}, f"carried out twice: {done}"
    return list(done)


# What wakes it, and what does not


def test_the_first_request_out_of_sleep_is_answered(site: Site) -> None:
    state = asleep(site)
    assert state["wanted"] == 0
    assert [event["kind"] for event in state["events"]].count("open") == 1, "it has served before it slept"
    assert ask(site)[0] == 200
    asleep(site)
    assert ask(site, "/?id=small", "POST", b"x")[0] == 200
    asleep(site)
    assert ask(site, "/?id=large", "POST", b"x" * 100_000)[0] == 200
    assert done_once(site, "small") == ["small"]
    assert done_once(site, "large") == ["large"]


@pytest.mark.parametrize("length", [0, 100, 100_000, 1_000_000])
def test_over_http2(site: Site, length: int) -> None:
    asleep(site)
    with Streams(site.https) as streams:
        if length:
            number = streams.ask(f"/?id=h{length}", "POST", [("content-length", str(length))], more=True)
            streams.send(number, b"x" * length)
        else:
            number = streams.ask("/")
        assert streams.wait(number, PATIENCE).status == 200
    assert done_once(site, f"h{length}") == ([f"h{length}"] if length else [])


def test_two_hundred_at_once(site: Site) -> None:
    asleep(site)
    assert Counter(status for status, _, _ in crowd(site, 200, "crowd")) == {200: 200}
    assert len(done_once(site, "crowd")) == 50


def test_who_comes_while_the_last_server_is_just_leaving_is_answered(site: Site) -> None:
    chance = random.Random(1)
    site.run("set", "servers.idle", "0.1")
    try:
        for n in range(30):
            time.sleep(chance.uniform(0.0, 0.7))
            assert ask(site, f"/?id=late{n}", "POST", b"x")[0] == 200
    finally:
        site.run("set", "servers.idle", "0.3")
    assert len(done_once(site, "late")) == 30
    assert [event["kind"] for event in site.status()["events"]].count("sleep"), "it did not sleep in between"


def test_neither_heartbeats_nor_questions_wake_it_or_keep_it_awake(site: Site) -> None:
    asleep(site)
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        state = site.status()
        assert (state["asleep"] is not None, state["servers"]) == (True, [])
        assert ask(site, "/-/seawall/health")[0] == 404
        time.sleep(0.1)
    assert state["asleep"] > 1.0, "it has not been awake meanwhile"


def test_a_long_answer_keeps_it_awake(site: Site) -> None:
    with ThreadPoolExecutor() as people:
        answer = people.submit(ask, site, "/?ms=2000")
        site.wait(lambda state: state["traffic"]["current"] > 0 or any(s["current"] for s in state["servers"]))
        while not answer.done():
            assert site.status()["asleep"] is None or answer.done()
            time.sleep(0.05)
        assert answer.result()[0] == 200


def test_it_is_told(site: Site) -> None:
    state = asleep(site)
    assert state["warm"]["memory"] > 1_000_000
    told = "the warm process is kept: "
    assert told in " ".join(site.run("status").stdout.split())
    assert told in site.run("doctor").stdout
    ask(site)
    state = asleep(site)
    texts = [event["text"] for event in state["events"] if event["kind"] in ("sleep", "wake")]
    assert any(text.startswith("a server took the first request ") for text in texts)
    assert texts[-1] == "nobody has come for 0.3 s; the next request starts a server"


def test_live_settings_wake_it(site: Site) -> None:
    asleep(site)
    site.run("set", "servers.min", "1")
    try:
        site.wait(lambda state: len(site.servers()) == 1 and state["asleep"] is None)
    finally:
        site.run("set", "servers.min", "0")
    asleep(site)


def test_another_strategy_is_set_while_it_sleeps(site: Site) -> None:
    for strategy in ("random", "round-robin", "least-connections"):
        asleep(site)
        site.run("set", "balancer.strategy", strategy)
        assert ask(site)[0] == 200
        assert site.status()["strategy"] == strategy


def test_changed_settings_take_effect_while_it_sleeps(site: Site) -> None:
    state = asleep(site)
    before = {b["pid"] for b in state["balancers"]}
    file = site.folder / "seawall.toml"
    changed = file.read_text().replace("idle = 0.3", "idle = 0.3\nrequest_timeout = 50")
    file.write_text(changed.replace("[listen]", '[environment]\nWHAT = "night"\n[listen]', 1))
    done = site.run("reload")
    assert done.returncode == 0, done.stdout + done.stderr
    asleep(site)
    site.wait(lambda state: before.isdisjoint(b["pid"] for b in state["balancers"] if b["state"] == "up"))
    assert ask(site, "/?id=changed", "POST", b"x")[0] == 200
    assert done_once(site, "changed") == ["changed"]


# What goes wrong


def test_a_slow_start_loses_nobody(site: Site) -> None:
    asleep(site)
    starts(site, "2.5")
    try:
        answers = crowd(site, 200, "slow")
    finally:
        starts(site, "0")
    assert Counter(status for status, _, _ in answers) == {200: 200}
    assert len(done_once(site, "slow")) == 50


def test_when_no_server_starts_all_are_told_and_the_next_request_tries_anew(site: Site) -> None:
    asleep(site)
    starts(site, "dies")
    try:
        answers = crowd(site, 40, "vain")
        assert Counter(status for status, _, _ in answers) == {503: 40}
        assert {headers["Retry-After"] for _, headers, _ in answers} == {"5"}
        with Streams(site.https) as streams:
            number = streams.ask("/?id=vain", "POST", [("content-length", "100000")], more=True)
            streams.send(number, b"x" * 100_000)
            assert streams.wait(number, PATIENCE).status == 503
        asleep(site)
    finally:
        starts(site, "0")
    until(lambda: ask(site)[0] == 200, "an answer")
    assert done_once(site, "vain") == []


def test_a_dead_control_plane_is_waited_for(site: Site) -> None:
    asleep(site)
    site.kill_control()
    with ThreadPoolExecutor() as people:
        answers = [people.submit(ask, site), people.submit(ask, site, "/?id=dead", "POST", b"x" * 100_000)]
        time.sleep(0.5)
        assert not any(answer.done() for answer in answers)
        site.start()
        assert [answer.result()[0] for answer in answers] == [200, 200]
    assert done_once(site, "dead") == ["dead"]


def test_a_new_control_plane_lets_it_sleep(site: Site) -> None:
    since = asleep(site)["asleep"]
    before = len([line for line in site.paths.journal.read_text().splitlines() if "start-server" in line])
    site.run("up", "--replace", "--detach")
    site.control = None
    assert asleep(site)["asleep"] >= since
    after = len([line for line in site.paths.journal.read_text().splitlines() if "start-server" in line])
    assert after == before
    assert ask(site)[0] == 200


def test_balancers_are_taken_over_while_it_sleeps(site: Site) -> None:
    state = asleep(site)
    active = next(b for b in state["balancers"] if b["role"] == "active")
    os.kill(active["pid"], signal.SIGKILL)
    assert ask(site, "/?id=killed", "POST", b"x")[0] == 200
    asleep(site)
    two = {"active", "spare"}
    site.wait(lambda state: {b["role"] for b in state["balancers"] if b["state"] == "up"} == two)
    assert ask(site)[0] == 200
    assert done_once(site, "killed") == ["killed"]


def test_new_code_is_imported_while_it_sleeps(site: Site) -> None:
    warm = asleep(site)["warm"]["pid"]
    file = site.folder / "application.py"
    file.write_text(file.read_text().replace('f"pid ', 'f"new pid '))
    site.run("restart", "all")
    asleep(site)
    site.wait(lambda state: state["warm"]["pid"] != warm and state["warm"]["state"] == "ready")
    assert site.status()["asleep"] is not None
    assert ask(site)[2].startswith(b"new pid ")


# Other kinds of applications


def other(name: str, tmp_path: Path) -> Site:
    return site_of(APPLICATIONS / name, tmp_path, (APPLICATIONS / name / "seawall.toml").read_text() + SETTINGS)


def test_websockets_and_event_streams_keep_it_awake(tmp_path: Path) -> None:
    site = other("asgi", tmp_path)
    with running(site, start=False):
        site.start()
        asleep(site)
        with connect(
            f"wss://localhost:{site.https}/echo", ssl=insecure(), proxy=None, open_timeout=PATIENCE
        ) as websocket:
            websocket.recv(PATIENCE)
            time.sleep(1.5)
            assert site.status()["asleep"] is None
            websocket.send("still there")
            assert websocket.recv(PATIENCE) == "still there"
        asleep(site)
        stream = HTTPConnection("127.0.0.1", site.http, timeout=PATIENCE)
        stream.request("GET", "/parts", headers={"Accept": "text/event-stream"})
        answer = stream.getresponse()
        assert answer.readline() == b"first\n"
        time.sleep(1.5)
        assert site.status()["asleep"] is None
        (site.folder / "go").touch()
        assert answer.readline() == b"second\n"
        stream.close()
        asleep(site)


def test_a_command_starts_cold(tmp_path: Path) -> None:
    site = other("socket", tmp_path)
    with running(site, start=False):
        site.start()
        state = asleep(site)
        assert state["warm"] is None
        assert "the next request waits for a whole start" in " ".join(site.run("status").stdout.split())
        assert ask(site)[0] == 200


def test_new_code_for_a_site_that_sleeps(tmp_path: Path) -> None:
    with running(Site.small(tmp_path, SETTINGS), start=False) as site:
        site.start()
        asleep(site)
        text = "def application(environ, start):\n    start('200 OK', [])\n    return [b'new']\n"
        (site.folder / "application.py").write_text(text)
        told = site.run("restart", "all").stdout
        assert told == "no server runs: the next one gets the code as it is now; seawall events --follow shows it\n"
        until(lambda: ask(site)[2] == b"new")
