"""Real applications behind the real edge: ASGI, Flask, Express, a file server, a program on a unix socket."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.sync.client import connect

from tests.client import insecure
from tests.patience import PATIENCE
from tests.scenarios.examine import APPLICATIONS, EXAMPLES, copied, replaced, serves, site_of, survives_a_death
from tests.scenarios.site import Site, running
from tests.scenarios.visitor import Visitor, get_h2

ALL = ("asgi", "flask", "socket", "static", "express", "npm")


def on(*names: str) -> pytest.MarkDecorator:
    """The test runs on each of these sites; the tests of one site share it, so one worker must have them all."""
    sites = [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in names]
    return pytest.mark.parametrize("site", sites, indirect=True)


@pytest.fixture(scope="session")
def express(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copied(EXAMPLES / "express", tmp_path_factory.mktemp("express") / "express")
    done = subprocess.run(["npm", "ci"], cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    tmp_path = tmp_path_factory.mktemp(request.param)
    if request.param in ("express", "npm"):
        folder = Path(shutil.copytree(request.getfixturevalue("express"), tmp_path / "site", symlinks=True))
        own = (folder / "seawall.toml").read_text()
        made = Site(folder, 'command = "npm start -- {port}"' if request.param == "npm" else own)
    else:
        source = EXAMPLES if request.param == "static" else APPLICATIONS
        made = site_of(source / request.param, tmp_path)
    with running(made):
        yield made


@on(*ALL)
def test_pages_come_over_both_http_versions(site: Site) -> None:
    serves(site)


@on(*ALL)
def test_no_get_fails_when_a_server_dies(site: Site) -> None:
    survives_a_death(site)


# ASGI


@on("asgi")
def test_asgi_is_told_how_it_was_reached(site: Site) -> None:
    visitor = Visitor(site.https)
    assert visitor.get("/").json()["url"] == f"{visitor.home}/"
    assert visitor.get("/", **{"X-Forwarded-For": "8.8.8.8"}).json()["client"] == "127.0.0.1"
    assert visitor.get("/items").url == f"{visitor.home}/items/"  # Starlette's redirect names the whole address
    assert visitor.get("/inside/").text == f"{visitor.home}/inside/"


@on("asgi")
def test_a_websocket_passes_the_edge(site: Site) -> None:
    address = f"wss://localhost:{site.https}/echo"
    with connect(address, ssl=insecure(), proxy=None, open_timeout=PATIENCE) as websocket:
        assert websocket.recv(5) == address
        for text in ("short", "x" * 100_000):
            websocket.send(text)
            assert websocket.recv(5) == text


@on("asgi")
def test_an_answer_in_parts_arrives_in_parts(site: Site) -> None:
    visitor = Visitor(site.https)
    (site.folder / "go").unlink(missing_ok=True)
    with visitor.stream("/parts") as lines:
        assert lines.readline() == b"first\n"
        (site.folder / "go").touch()
        assert lines.readline() == b"second\n"
        assert lines.read() == b""


@on("asgi")
def test_lifespan_begins_and_ends_with_each_server(site: Site) -> None:
    name, pid = next(iter(site.servers().items()))
    life = site.folder / "life.txt"
    assert f"startup {pid}" in life.read_text().splitlines()
    site.run("restart", name)
    replaced(site, pid)
    lines = life.read_text().splitlines()
    assert f"shutdown {pid}" in lines
    assert {f"startup {each}" for each in site.servers().values()} <= set(lines)


# Flask


@on("flask")
def test_flask_knows_its_visitor_on_every_server(site: Site) -> None:
    visitor = Visitor(site.https)
    page = visitor.post("/name", b"name=Ada")
    assert (page.status, page.url) == (200, f"{visitor.home}/")
    asked = [visitor.get("/").json() for _ in range(10)]
    assert {answer["name"] for answer in asked} == {"Ada"}
    assert [answer["visits"] for answer in asked] == list(range(2, 12))
    assert asked[0]["url"] == f"{visitor.home}/"
    assert asked[0]["client"] == "127.0.0.1"


@on("flask")
def test_a_long_body_arrives_whole(site: Site) -> None:
    page = Visitor(site.https).post("/size", b"x" * 5_000_000, "application/octet-stream")
    assert page.json() == {"bytes": 5_000_000}


# Express


@on("express", "npm")
def test_a_visitor_stays_with_the_process_that_knows_them(site: Site) -> None:
    visitor = Visitor(site.https)
    asked = [visitor.get("/").json() for _ in range(8)]
    assert [answer["visits"] for answer in asked] == list(range(1, 9))
    strangers = {Visitor(site.https).get("/").json()["process"] for _ in range(8)}
    assert len(strangers) == 2, "all strangers are led to the same server"


@on("express", "npm")
def test_a_visitor_whose_server_dies_begins_anew(site: Site) -> None:
    visitor = Visitor(site.https)
    process = visitor.get("/").json()["process"]
    victim = next(pid for pid in site.servers().values() if os.getpgid(process) == pid)
    os.kill(victim, signal.SIGKILL)
    assert visitor.get("/").status == 200
    replaced(site, victim)
    assert visitor.get("/").json()["process"] != process
    # What the server had started must not run on without it, nor stay as a zombie.
    site.wait(lambda _: not Path(f"/proc/{process}").exists())


@on("express", "npm")
def test_a_server_asked_to_end_ends_by_itself(site: Site) -> None:
    name, pid = next(iter(site.servers().items()))
    site.run("restart", name)
    replaced(site, pid)
    gone = [entry for entry in site.status()["events"] if entry["kind"] == "forget-server" and entry["subject"] == name]
    assert "SIGKILL" not in gone[-1]["text"]


# A command


@on("static")
def test_a_file_keeps_its_type_and_date(site: Site) -> None:
    page = Visitor(site.https).get("/site.css")
    assert page.headers["Content-Type"] == "text/css"
    again = Visitor(site.https).get("/site.css", **{"If-Modified-Since": page.headers["Last-Modified"]})
    assert again.status == 304


@on("socket")
def test_a_program_on_a_unix_socket_is_served_by_all_its_servers(site: Site) -> None:
    assert all(server["address"].startswith("unix@") for server in site.status()["servers"])
    answers = {get_h2(site.https)[1] for _ in range(8)}
    assert len(answers) == 2
