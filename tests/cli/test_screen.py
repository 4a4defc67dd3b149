"""The picture of a site: whole at any usual width of a terminal."""

import re
from typing import Any

import pytest
from rich.console import Console

from seawall.cli.screen import screen

WHY = "SyntaxError: invalid syntax: the application does not start, so what ran before goes on as it was until then"


TAKEN = {"processor": 12.34, "memory": 12345 << 20}


def server(name: str, word: str) -> dict[str, Any]:
    figures = {"requests_per_second": 1234.5, "current": 4, "queue": 12, "p50_ms": 123.0, "p99_ms": 12345.0}
    return {"name": name, "state": word, "uptime": 7000.0, "pid": 4194304, "heartbeat_ms": 120.0, **TAKEN, **figures}


def drawn(width: int, height: int | None = None, without: str = "", **more: Any) -> list[str]:
    event = {"time": 0.0, "kind": "application-failed", "subject": "w12", "text": WHY}
    state = {
        "name": "shop", "urls": ["https://localhost:8443/"], "strategy": "least-connections", "concurrency": 4,
        "wanted": 2, "min": 2, "max": 4, "why": "",
        "balancers": [{"role": "active", "name": "a", "state": "up", "uptime": 7000.0}], "warm": {"state": "ready"},
        "traffic": {"requests_per_second": 2469.0, "p50_ms": 123.0, "p99_ms": 12345.0, "queue": 24},
        "servers": [server("s1", "ready"), server("s4711", "draining")],
        "events": [event, event], "advice": [], "trouble": "", **more,
    }  # fmt: skip
    state.pop(without, None)
    console = Console(width=width)
    with console.capture() as picture:
        console.print(screen(state, width, height=height))
    return picture.get().splitlines()


@pytest.mark.parametrize("width", [60, 75, 76, 80, 89, 90, 120])
def test_the_table_is_whole(width: int) -> None:
    lines = drawn(width)
    assert max(map(len, lines)) <= width
    [head] = [line for line in lines if line.startswith("server")]
    shown = ["server", "state", "up", "pid", "req/s", "busy", "queue", "p50", "p99", "heartbeat", "cpu", "memory"]
    left_out = {*(("pid", "queue") if width < 90 else ()), *(("cpu", "memory") if width < 76 else ())}
    assert head.split() == [title for title in shown if title not in left_out]
    for name in ("s1", "s4711"):
        [row] = [line for line in lines if line.startswith(name)]
        figures = ["123", "ms", "12345", "ms", "120", "ms", *(("1234", "%", "12345", "MB") if width >= 76 else ())]
        assert row.split()[-len(figures) :] == figures


@pytest.mark.parametrize("width", [60, 80])
def test_of_the_last_event_nothing_is_cut(width: int) -> None:
    lines = drawn(width)
    [begin] = [number for number, line in enumerate(lines) if line.startswith("recent")]
    assert lines[begin + 1].rstrip().endswith("…")
    assert "".join(lines[begin + 2 :]).replace(" ", "").endswith(WHY.replace(" ", ""))


def test_how_many_servers_are_wanted_and_why() -> None:
    why = "12.4 requests in service, 40/s of 0.31 s each need 5 servers, 2 are there"
    [line] = [line for line in drawn(120, wanted=5, min=2, max=16, why=why) if "servers" in line]
    assert line.rstrip() == f"5 of 2 to 16 servers  {why}"
    assert not [line for line in drawn(120, without="max") if "servers" in line], "an older control plane does not say"


FULL = "the servers use 1.8 of 2 processors, and more servers would only share them"
NEED = "59.8 requests in service, 170/s of 0.31 s each need 20 servers, 16 are there"
CLEAR = "; to clear the 56 that wait within 0.5 s takes 24; servers.max is 16"


def events(number: int) -> list[dict[str, Any]]:
    return [{"time": 0.0, "kind": "scale-up", "subject": "site", "text": f"step {one}"} for one in range(number)]


@pytest.mark.parametrize(("servers", "height"), [(3, 24), (16, 24), (20, 24), (200, 24), (16, 60)])
def test_it_fits_the_height_of_the_terminal_and_the_newest_is_seen(servers: int, height: int) -> None:
    there = [server(f"s{number}", "up") for number in range(1, servers + 1)]
    there[-1] = server(f"s{servers}", "starting")
    lines = drawn(80, height, servers=there, wanted=16, max=16, why=NEED + CLEAR, trouble=FULL, events=events(8))
    assert len(lines) <= height
    assert lines[-1].rstrip().endswith("step 7")
    text = " ".join(" ".join(lines).split())
    assert NEED + CLEAR in text
    assert FULL in text
    assert f"s{servers} starting" in text, "who does not do well is seen"
    shown = sum(bool(re.match(r"s\d+ ", line)) for line in lines)
    assert shown == servers or f"… and {servers - shown} more: all up" in text
    assert (shown == servers) == (servers == 3 or height == 60)


def test_without_a_height_nothing_is_left_out() -> None:
    there = [server(f"s{number}", "up") for number in range(1, 201)]
    lines = drawn(80, servers=there, events=events(8))
    assert sum(bool(re.match(r"s\d+ ", line)) for line in lines) == 200
    assert sum("step" in line for line in lines) == 8


@pytest.mark.parametrize("width", [60, 80])
def test_the_sentence_why_is_whole(width: int) -> None:
    text = " ".join(" ".join(drawn(width, why=NEED + CLEAR)).split())
    assert f"2 of 2 to 4 servers {NEED}{CLEAR}" in text
