"""Settings that change on the running site: visitors do not notice, and nothing is half done."""

import asyncio
import json
import signal
import ssl
import subprocess
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from tests.client import Load, insecure
from tests.patience import PATIENCE, until
from tests.scenarios.site import SEAWALL, Site, running, whole

APPLICATION = """
import os, time
if os.path.exists("slow"):
    time.sleep(float(open("slow").read()))
def application(environ, start_response):
    time.sleep(0.01)
    body = f"{os.environ.get('GREETING', '')}".encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""
MOVED = """
import http.server, os, socketserver
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = os.environ.get("GREETING", "").encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


def written(site: Site, *sections: str, top: str = 'wsgi = "application:application"') -> None:
    site.write("\n".join((top, *sections)) + "\n")


def small(tmp_path: Path) -> Site:
    site = Site.small(tmp_path)
    (site.folder / "application.py").write_text(APPLICATION)
    return site


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running(small(tmp_path_factory.mktemp("reload"))) as site:
        yield site


@pytest.fixture
def site(kept: Site) -> Site:
    """A site with the defaults, whatever the last test did."""
    written(kept)
    assert kept.run("reload").returncode == 0
    kept.recovered()
    return kept


def under_load(site: Site, deeds: Callable[[], None]) -> None:
    """People who come and stay, on connections of their own, while the operator does `deeds`."""
    staying = Load(site.https, visitors=6, tls=insecure(), pause=0.01)
    coming = Load(site.https, visitors=4, tls=insecure(), pause=0.01, headers="Connection: close\r\n")
    posting = Load(site.https, visitors=2, tls=insecure(), pause=0.02, method="POST", body=b"x=1")
    loads = (staying, coming, posting)

    async def scenario() -> None:
        work = [asyncio.create_task(load.run(600)) for load in loads]
        try:
            await asyncio.sleep(0.2)
            await asyncio.to_thread(deeds)
            await asyncio.sleep(0.2)
        finally:
            for load in loads:
                load.stop()
            await asyncio.gather(*work)

    asyncio.run(scenario())
    assert [failure for load in loads for failure in load.tally.failures] == []
    assert all(load.tally.ok > 5 for load in loads)


def reload(site: Site, code: int = 0) -> CompletedProcess[str]:
    done = site.run("reload")
    assert done.returncode == code, done.stdout + done.stderr
    return done


def greeting(site: Site) -> set[bytes]:
    """What the application's environment says, asked often enough to reach every server."""
    load = Load(site.https, visitors=4, tls=insecure(), pause=0.0)
    asyncio.run(load.run(0.3))
    assert load.tally.failures == []
    return set(load.tally.bodies)


def names(site: Site) -> tuple[str, ...]:
    """The names in the certificate that a visitor gets."""
    pem = ssl.get_server_certificate(("127.0.0.1", site.https))
    from cryptography import x509

    extension = x509.load_pem_x509_certificate(pem.encode()).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    return tuple(extension.value.get_values_for_type(x509.DNSName))


def running_now(site: Site) -> tuple[dict[str, int], dict[str, int]]:
    return site.servers(), site.balancers()


def events(site: Site, kind: str) -> list[str]:
    lines = site.run("events", "-n", "500").stdout.splitlines()
    return [line for line in lines if line.split()[1] == kind]


def test_a_timeout_of_the_edge(site: Site) -> None:
    servers, balancers = running_now(site)
    written(site, "[servers]", "queue_timeout = 7")

    def deeds() -> None:
        said = reload(site).stdout
        assert "servers.queue_timeout  30 → 7  new balancers" in said
        assert "In effect after" in said
        configuration = {(site.paths.runtime / f"{name}.cfg").read_text() for name in "ab"}
        assert any("timeout queue 7000ms" in text for text in configuration)

    under_load(site, deeds)
    assert site.servers() == servers
    site.wait(lambda state: whole(state) and not set(site.balancers().values()) & set(balancers.values()))


def test_another_certificate_that_nobody_puts_back(site: Site) -> None:
    written(site, "[https]", 'domains = ["shop.test"]')

    def deeds() -> None:
        assert 'https.domains  ["localhost"] → ["shop.test"]  new balancers, new servers' in reload(site).stdout
        assert "shop.test" in names(site)
        time.sleep(2.5)  # upkeep makes again what was lost
        assert b"shop.test" in site.paths.certificate.read_bytes().split(b"\n", 1)[0]

    under_load(site, deeds)
    site.recovered()


def test_a_certificate_of_ones_own_that_was_renewed_in_its_place(site: Site) -> None:
    own = site.folder / "own.pem"
    own.write_bytes(site.paths.certificate.read_bytes())
    written(site, "[https]", 'certificate = "own.pem"')
    assert 'https.certificate  not set → "own.pem"  new balancers' in reload(site).stdout
    site.recovered()
    balancers = set(site.balancers().values())
    own.write_bytes(b"# renewed\n" + own.read_bytes())

    def deeds() -> None:
        assert "the certificate  changed  new balancers" in site.run("reload", "--dry-run").stdout
        reload(site)
        site.wait(lambda state: whole(state) and not set(site.balancers().values()) & balancers)
        own.write_text("no certificate")
        assert "own.pem is not a certificate with its private key" in reload(site, 2).stderr

    under_load(site, deeds)


def test_the_environment_of_the_application(site: Site) -> None:
    servers, _ = running_now(site)
    written(site, '[environment]\nGREETING = "hello"')

    def deeds() -> None:
        said = reload(site).stdout
        assert "environment.GREETING  is new  new servers" in said
        assert "hello" not in said
        site.wait(lambda state: whole(state) and not set(site.servers()) & set(servers))

    under_load(site, deeds)
    assert greeting(site) == {b"hello"}


def test_concurrency(site: Site) -> None:
    before = running_now(site)
    written(site, "[servers]", "concurrency = 9")

    def deeds() -> None:
        assert "servers.concurrency  not set → 9  at once" in reload(site).stdout
        site.wait(lambda state: state["concurrency"] == 9 and all(one["slots"] == 9 for one in state["servers"]))

    under_load(site, deeds)
    assert running_now(site) == before


def test_what_only_decisions_ask_for(site: Site) -> None:
    before = running_now(site)
    limits = ["[servers]", "min = 3", "start_timeout = 50"]
    written(site, *limits, "[balancer]", 'strategy = "random"')

    def deeds() -> None:
        assert reload(site).stdout.count("at once") == 4
        site.wait(lambda state: whole(state) and len(state["servers"]) == 3 and state["strategy"] == "random")

    under_load(site, deeds)
    servers, balancers = running_now(site)
    assert before[0].items() <= servers.items(), "nobody was replaced"
    assert balancers == before[1]


def unchanged(site: Site, said: str, code: int) -> None:
    before, wanted = running_now(site), in_effect(site)

    def deeds() -> None:
        done = reload(site, code)
        assert said in done.stderr, done.stderr

    under_load(site, deeds)
    assert running_now(site) == before
    assert in_effect(site) == wanted


def in_effect(site: Site) -> tuple[object, ...]:
    state = site.status()
    return state["wanted"], state["concurrency"], state["strategy"], state["change"], recorded(site)


def test_a_wrong_file_changes_nothing(site: Site) -> None:
    written(site, "[servers]", "min = 4", "mx = 5")
    line = 1 + (site.folder / "seawall.toml").read_text().splitlines().index("mx = 5")
    unchanged(site, f"seawall.toml:{line}: servers.mx: there is no such setting; did you mean `max`?", 2)


def test_code_that_cannot_be_imported_changes_nothing_at_all(site: Site) -> None:
    written(site, "[servers]", "min = 4", "queue_timeout = 9", top='wsgi = "application:no_such"')
    unchanged(site, "no_such", 1)
    assert len([one for one in site.status()["processes"] if one["kind"] == "warm"]) == 1
    assert "Nothing has changed." in events(site, "reload-failed")[-1]


def test_what_needs_another_socket_is_named_and_the_rest_applied(site: Site) -> None:
    written(site, "[servers]", "concurrency = 9", "min = 4")
    text = (site.folder / "seawall.toml").read_text()
    (site.folder / "seawall.toml").write_text(text.replace(f"http = {site.http}", "http = 8123"))
    done = site.run("reload", "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 1
    assert "servers.min" in {one["setting"] for one in told["changes"]}
    assert told["refused"] == [{"setting": "listen.http", "old": site.http, "new": 8123, "effect": "down and up"}]
    site.wait(lambda state: state["wanted"] == 4)
    assert "needs `seawall down`, then `seawall up`" in reload(site, 1).stdout
    up = site.run("up")
    assert (up.returncode, "listen.http" in up.stderr, "seawall reload" in up.stderr) == (1, True, True)
    assert "listen.http" in site.run("doctor").stdout


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Site]:
    """One of which what was set does not stay for the next test."""
    with running(small(tmp_path)) as site:
        yield site


def test_the_file_counts_where_it_has_changed_and_what_was_set_elsewhere(own: Site) -> None:
    site = own
    for key, value in (("servers.max", "8"), ("servers.min", "3"), ("balancer.strategy", "random")):
        assert site.run("set", key, value).returncode == 0
    written(site, "[servers]", "max = 6")
    said = reload(site).stdout
    assert "servers.max  8 → 6  at once" in said
    assert 'balancer.strategy stays "random", as `seawall set` made it; seawall.toml says "least-connections"' in said
    state = site.status()
    assert (state["wanted"], state["strategy"]) == (3, "random")
    assert "(to have that: seawall set balancer.strategy least-connections)" in said
    for key, value in (("balancer.strategy", "least-connections"), ("servers.min", "2")):
        assert site.run("set", key, value).returncode == 0
    assert reload(site).stdout == "What runs is what seawall.toml says.\n"


def test_set_writes_the_file_and_reload_agrees(own: Site) -> None:
    site = own
    path = site.folder / "seawall.toml"
    written(site, "[servers]", "max = 6")
    reload(site)
    path.write_text(path.read_text().replace("max = 6", "max = 6  # enough"))
    path.chmod(0o640)
    for key, value in (("servers.min", "4"), ("servers.max", "7"), ("servers.request_timeout", "20")):
        done = site.run("set", key, value, "--save")
        assert done.returncode == 0, done.stderr
    assert "max = 7  # enough" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o640
    assert "servers" not in site.run("reload", "--dry-run").stdout
    before = path.read_text()
    done = site.run("set", "servers.min", "9", "--save")
    assert done.returncode == 2
    assert "servers.max: expected at least " in done.stderr
    assert path.read_text() == before
    assert site.status()["wanted"] == 4


def test_what_is_saved_at_once_is_what_runs_in_the_end(own: Site) -> None:
    site = own
    command = [*SEAWALL, "-C", str(site.folder), "set", "servers.max"]
    for save in (["--save"], []):  # the last one is sometimes saved, and sometimes not
        setting = [subprocess.Popen([*command, str(number), "--save"]) for number in range(5, 8)]
        setting.append(subprocess.Popen([*command, "8", *save]))
        assert [one.wait(PATIENCE) for one in setting] == [0] * 4
        text = tomllib.loads((site.folder / "seawall.toml").read_text())
        assert recorded(site)["servers.max"] == text["servers"]["max"]
        told = json.loads(site.run("reload", "--json").stdout)
        assert told["changes"] == []
        assert not (save and told["kept"])


def test_what_was_set_is_unset(own: Site) -> None:
    site = own
    path = site.folder / "seawall.toml"
    before = path.read_text()
    for key, value in (("servers.idle", "5"), ("servers.concurrency", "7")):
        assert site.run("set", key, value, "--save").returncode == 0
    for key in ("servers.idle", "servers.concurrency"):
        assert f"{key} is no longer set." in site.run("set", key, "", "--save").stdout
    assert tomllib.loads(path.read_text()) == tomllib.loads(before)
    assert site.status()["concurrency"] == 4
    assert json.loads(site.run("reload", "--json").stdout)["changes"] == []
    assert "take servers.idle out of seawall.toml" in site.run("set", "servers.idle", "").stdout


def recorded(site: Site) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        return dict(json.loads(site.paths.processes.read_text())["file"])
    return {}


def trials(site: Site) -> list[dict[str, Any]]:
    record = json.loads(site.paths.processes.read_text())
    return [entry for entry in record["processes"] if entry.get("trial")]


def test_a_control_plane_that_is_killed_leaves_the_old_settings_or_the_new(tmp_path: Path) -> None:
    with running(small(tmp_path)) as site:
        before = running_now(site)
        text = (site.folder / "seawall.toml").read_text()
        (site.folder / "slow").write_text("3")
        changed = ('[environment]\nGREETING = "hello"', "[servers]", "min = 3", "queue_timeout = 9")
        written(site, *changed)

        def deeds() -> None:
            # While the application is imported: the old ones are in effect.
            asking = site.start_command("reload")
            until(lambda: trials(site), "a trial")
            assert "imported with the new settings" in site.status()["change"]
            assert "on its way" in site.run("set", "servers.start_timeout", "40").stderr
            site.kill_control()
            asking.wait()
            assert recorded(site)["servers.queue_timeout"] == 30
            (site.folder / "seawall.toml").write_text(text)
            site.up()
            assert running_now(site) == before
            assert trials(site) == []
            warm = [one["name"] for one in site.status()["processes"] if one["kind"] == "warm"]
            assert [path.stem for path in site.paths.warm_sockets()] == warm
            # As soon as they are on record the new ones are, whatever has been done about it.
            (site.folder / "slow").unlink()
            written(site, *changed)
            asking = site.start_command("reload")
            until(lambda: recorded(site)["servers.queue_timeout"] == 9, "the record")
            site.kill_control()
            asking.wait()
            site.up()
            site.wait(lambda state: whole(state) and state["wanted"] == 3 and not set(site.servers()) & set(before[0]))

        under_load(site, deeds)
        assert greeting(site) == {b"hello"}
        site.wait(lambda state: not set(site.balancers().values()) & set(before[1].values()))
        assert site.run("reload").stdout == "What runs is what seawall.toml says.\n"


def test_a_file_that_changed_while_no_control_plane_ran(tmp_path: Path) -> None:
    with running(small(tmp_path)) as site:
        before = running_now(site)
        written(site, '[environment]\nGREETING = "hello"', "[servers]", "min = 3")

        def deeds() -> None:
            site.kill_control()
            site.up()
            site.wait(lambda state: whole(state) and state["wanted"] == 3 and not set(site.servers()) & set(before[0]))
            assert site.balancers() == before[1]
            # It does not start: all stays as it is, the number of servers too.
            written(site, "[servers]", "min = 2", top='wsgi = "application:no_such"')
            site.kill_control()
            site.up()
            site.wait(lambda state: "seawall.toml has changed, and is not in effect" in state["trouble"])

        under_load(site, deeds)
        assert greeting(site) == {b"hello"}
        assert site.status()["wanted"] == 3
        written(site, "[servers]", "min = 3")
        reload(site)
        assert site.status()["trouble"] == ""


def test_a_command(tmp_path: Path) -> None:
    site = small(tmp_path)
    (site.folder / "serve.py").write_text(MOVED)
    command = 'command = "python3 serve.py"'
    written(site, top=command)
    with running(site):
        servers, _ = running_now(site)
        written(site, '[environment]\nGREETING = "hello"', top=command)

        def deeds() -> None:
            reload(site)
            site.wait(lambda state: whole(state) and not set(site.servers()) & set(servers))

        visit(site, deeds)
        before = running_now(site)
        written(site, '[environment]\nGREETING = "no"', top='command = "python3 no_such_file.py"')

        def failing() -> None:
            done = reload(site, 1)
            assert "The application does not start" in done.stderr
            site.wait(whole)

        visit(site, failing)
        assert running_now(site) == before
        assert greeting(site) == {b"hello"}
        written(site, top='wsgi = "application:application"')
        assert "command" in reload(site, 1).stdout


def visit(site: Site, deeds: Callable[[], None]) -> None:
    load = Load(site.https, visitors=4, tls=insecure(), pause=0.01)

    async def scenario() -> None:
        work = asyncio.create_task(load.run(600))
        try:
            await asyncio.to_thread(deeds)
        finally:
            load.stop()
            await work

    asyncio.run(scenario())
    assert load.tally.failures == []


def test_a_command_is_tried_while_the_site_sleeps(tmp_path: Path) -> None:
    site = small(tmp_path)
    (site.folder / "serve.py").write_text(MOVED)
    sleepy = ("[servers]", "min = 0", "max = 2", "idle = 0.3")
    written(site, *sleepy, top='command = "python3 serve.py"')
    with running(site, start=False):
        site.start()
        asleep = lambda: site.wait(lambda state: state["open"] and state["asleep"] is not None and not state["servers"])  # noqa: E731
        asleep()
        written(site, *sleepy, top='command = "python3 no_such_file.py"')
        assert "The application does not start" in reload(site, 1).stderr
        assert recorded(site)["command"] == "python3 serve.py"
        assert greeting(site) == {b""}
        asleep()
        written(site, '[environment]\nGREETING = "hello"', *sleepy, top='command = "python3 serve.py"')
        assert "In effect after" in reload(site).stdout
        assert "a server is to show that the new command starts" in events(site, "wake")[-1]
        asleep()
        assert greeting(site) == {b"hello"}


@pytest.mark.parametrize("ending", [("down",), ("up", "--replace", "-d"), ()])
def test_a_change_that_is_cut_off_is_not_said_to_be_in_effect(tmp_path: Path, ending: tuple[str, ...]) -> None:
    with running(small(tmp_path)) as site:
        (site.folder / "slow").write_text("3")
        written(site, '[environment]\nGREETING = "hello"')
        asking = subprocess.Popen(
            [*SEAWALL, "-C", str(site.folder), "reload", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        until(lambda: trials(site), "a trial")
        if ending:
            assert site.run(*ending).returncode == 0
        else:
            site.kill_control()
        said, error = asking.communicate(timeout=PATIENCE)
        assert (asking.returncode, said) == (1, b"")
        assert b"The change was cut off" in error or b"The control plane ended before" in error


def test_who_stops_waiting_is_told_that_the_change_goes_on(own: Site) -> None:
    (own.folder / "slow").write_text("1")
    written(own, '[environment]\nGREETING = "hello"')
    asking = subprocess.Popen([*SEAWALL, "-C", str(own.folder), "reload"], stderr=subprocess.PIPE, text=True)
    until(lambda: trials(own), "a trial")
    asking.send_signal(signal.SIGINT)
    _, error = asking.communicate(timeout=PATIENCE)
    assert asking.returncode == 130
    assert "The change goes on without you" in error
    own.wait(lambda state: not state["change"])
    own.recovered()
    assert greeting(own) == {b"hello"}
