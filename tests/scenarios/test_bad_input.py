"""What cannot start says why, in its own words and with what to do, exits non-zero and leaves nothing behind."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.patience import PATIENCE
from tests.scenarios.site import SEAWALL, Site, processes_of, running

HEALTHY = "def application(environ, start_response):\n    start_response('200 OK', [])\n    return [b'ok']\n"


@contextlib.contextmanager
def small(tmp_path: Path, settings: str = "", application: str = HEALTHY) -> Iterator[Site]:
    """A site that is expected not to start."""
    site = Site.small(tmp_path, settings)
    (site.folder / "application.py").write_text(application)
    try:
        yield site
    finally:
        site.clean()


def refused(site: Site, code: int = 1, **environment: str) -> str:
    """What `seawall up` says, having refused with exit code `code` and left nothing behind."""
    done = subprocess.run(
        [*SEAWALL, "-C", str(site.folder), "up", "--plain"],
        capture_output=True, text=True, timeout=PATIENCE, check=False, env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    assert "seawall/control" not in done.stderr, "a traceback of Seawall's own"
    assert processes_of(site) == []
    left = {path.name for path in site.paths.runtime.rglob("*")} - {"control.lock", "s", "c", "site.json"}
    assert left == set()
    for port in (site.http, site.https):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
    return done.stderr


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import nothere\n", ['application.py", line 1', "ModuleNotFoundError: No module named 'nothere'"]),
        ("x = 1 / 0\n", ['application.py", line 1', "ZeroDivisionError: division by zero"]),
        ("def application(:\n", ["SyntaxError: invalid syntax"]),
        ("x = 1\n", ["module 'application' has no attribute 'application'"]),
        ("import sys\nsys.exit(4)\n", ["sys.exit(4)"]),
        ("import os\nprint('last words')\nos._exit(4)\n", ["last words"]),
        ("import os\nos.abort()\n", ["killed by SIGABRT"]),
    ],
    ids=["import", "exception", "syntax", "no attribute", "exit", "hard exit", "abort"],
)
def test_an_application_that_cannot_be_imported(tmp_path: Path, source: str, words: list[str]) -> None:
    with small(tmp_path, application=source) as site:
        said = refused(site)
    assert "seawall: The application does not start" in said
    for word in words:
        assert word in said
    assert "fleet/inside" not in said, "only the application's own frames"


def test_an_application_that_is_imported_for_ever(tmp_path: Path) -> None:
    with small(tmp_path, "[servers]\nstart_timeout = 1\n", "import time\ntime.sleep(60)\n") as site:
        assert "not imported within servers.start_timeout = 1 s" in refused(site)


def test_an_application_that_dies_before_its_first_answer(tmp_path: Path) -> None:
    """It survives the import in the warm process, and no server lives long enough."""
    source = f"{HEALTHY}import os\nos.register_at_fork(after_in_child=lambda: (print('no fork for me'), os._exit(9)))\n"
    with small(tmp_path, application=source) as site:
        assert "seawall: The application does not start" in refused(site)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("nothere {port}", ["nothere cannot be started: No such file or directory"]),
        ("sh -c 'echo boom; exit 7' {port}", ["boom", "exit code 7"]),
        ("sleep 60", ["did not answer within servers.start_timeout = 0.5 s", "must listen on the port {port}"]),
    ],
    ids=["missing", "dies", "listens nowhere"],
)
def test_a_command_that_does_not_serve(tmp_path: Path, command: str, words: list[str]) -> None:
    with small(tmp_path) as site:
        site.write(f'command = "{command}"\n[servers]\nstart_timeout = 0.5\n')
        said = refused(site)
    for word in words:
        assert word in said


def test_a_command_that_listens_on_another_port(tmp_path: Path) -> None:
    server = "import socket, time; s = socket.create_server(('127.0.0.1', 0)); time.sleep(60)"
    with small(tmp_path) as site:
        (site.folder / "serve.py").write_text(server)
        site.write(f'command = "{sys.executable} serve.py"\n[servers]\nstart_timeout = 0.5\n')
        assert "must listen on the port {port}" in refused(site)


@pytest.mark.parametrize("control", ["lives", "is dead"])
def test_a_port_that_another_site_has_names_that_site(tmp_path: Path, control: str) -> None:
    with running(Site.small(tmp_path / "one of ours")) as other, small(tmp_path) as site:
        if control == "is dead":
            other.kill_control()
        site.http, site.https = other.http, other.http + 1
        site.write('wsgi = "application:application"\n')
        done = site.run("up", "--plain")
        assert done.returncode == 1
        assert f"Port {site.http} is taken by the site in {other.folder}." in done.stderr
        assert f"Stop it: seawall -C '{other.folder}' down" in done.stderr
        assert f"listen.http = {site.https}" not in done.stderr


def test_a_port_that_is_taken_names_who_has_it_and_what_to_do(tmp_path: Path) -> None:
    with small(tmp_path) as site, socket.create_server(("127.0.0.1", site.https)):
        done = site.run("up", "--plain")
        assert done.returncode == 1
        me = Path("/proc/self/comm").read_text().strip()
        assert f"Port {site.https} is taken by {me} (pid {os.getpid()})." in done.stderr
        assert "listen.https = " in done.stderr
        assert processes_of(site) == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("[servers]\nmni = 4\n", ["seawall.toml:8: servers.mni", "did you mean `min`?"]),
        ('[servers]\nmin = "four"\n', ["seawall.toml:8: servers.min", "whole number from 0 to 200", '"four"']),
        ('[balanser]\nx = 1\n', ["seawall.toml:7: balanser", "did you mean `balancer`?"]),
        ('[balancer]\nstrategy = "fastest"\n', ["seawall.toml:8", '"least-connections", "round-robin" or "random"']),
        ("[servers]\nmin = \n", ["seawall.toml:8:7: not valid TOML"]),
    ],
    ids=["key", "value", "section", "choice", "syntax"],
)  # fmt: skip
def test_a_wrong_setting(tmp_path: Path, settings: str, words: list[str]) -> None:
    with small(tmp_path, settings) as site:
        said = refused(site, code=2)
        assert not site.paths.state.exists(), "nothing is made before the settings are right"
    for word in words:
        assert word in said


def test_a_folder_without_an_application(tmp_path: Path) -> None:
    with small(tmp_path) as site:
        site.write("")
        assert 'wsgi = "' in refused(site, code=2)


def program(folder: Path, text: str) -> str:
    """A PATH on which `haproxy` is this shell script."""
    folder.mkdir()
    (folder / "haproxy").write_text(f"#!/bin/sh\n{text}\n")
    (folder / "haproxy").chmod(0o755)
    return str(folder)


def test_haproxy_too_old(tmp_path: Path) -> None:
    path = program(tmp_path / "bin", "echo 'HAProxy version 2.2.9-2+deb11u5 2023/04/10 - https://haproxy.org/'")
    with small(tmp_path) as site:
        said = refused(site, PATH=path)
    assert "HAProxy 2.2 is too old; 2.6 is needed" in said
    assert "apt-get install haproxy" in said


def test_haproxy_that_is_none(tmp_path: Path) -> None:
    with small(tmp_path) as site:
        assert "does not tell its version" in refused(site, PATH=program(tmp_path / "bin", "exit 1"))


@pytest.mark.skipif(
    os.geteuid() != 0 or subprocess.run(["unshare", "--mount", "true"], check=False).returncode != 0,
    reason="hides /usr/sbin/haproxy in a mount namespace of its own, which may not be made here",
)
def test_haproxy_missing(tmp_path: Path) -> None:
    """An empty PATH is not enough: Seawall looks in /usr/sbin too, where Debian keeps it."""
    with small(tmp_path) as site:
        hide = 'for d in /usr/sbin /usr/local/sbin; do mount -t tmpfs none $d; done; exec "$@"'
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", hide, "sh", *SEAWALL, "-C", str(site.folder), "up", "--plain"],
            capture_output=True, text=True, check=False, timeout=PATIENCE, env={**os.environ, "PATH": "/usr/bin:/bin"},
        )  # fmt: skip
        assert done.returncode == 1
        assert "seawall: HAProxy is not installed." in done.stderr
        assert "sudo apt-get install haproxy" in done.stderr
        assert processes_of(site) == []


def test_a_second_control_plane_is_refused(tmp_path: Path) -> None:
    with small(tmp_path) as site:
        site.up()
        second = site.run("up", "--plain")
        assert second.returncode == 1
        assert f"already up (process {site.status()['control']['pid']})" in second.stderr
        assert "seawall down" in second.stderr
        assert len(site.servers()) == 2
