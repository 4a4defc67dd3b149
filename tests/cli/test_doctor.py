"""`seawall doctor` on machines and sites with something missing, run as a person runs it."""

import json
import os
import pwd
import shutil
import socket
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

import pytest

import seawall
from seawall.paths import locate
from tests import users
from tests.scenarios.site import Site, running

NAMESPACE = ("unshare", "--mount", "--map-root-user")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    project = tmp_path / "shop"
    project.mkdir()
    (project / "main.py").write_text("def app(environ, start): ...\n")
    (project / "seawall.toml").write_text(f'wsgi = "main:app"\n[listen]\nhttp = {free_port()}\nhttps = {free_port()}\n')
    return project


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def add(project: Path, text: str) -> None:
    """Settings above all others."""
    file = project / "seawall.toml"
    file.write_text(text + "\n" + file.read_text())


def doctor(project: Path, *before: str, path: str = "") -> tuple[int, dict[str, dict[str, Any]]]:
    """Exit code, and the findings by subject."""
    environment = {"HOME": str(project.parent), "XDG_DATA_HOME": str(project.parent / "data")}
    environment["PATH"] = path or os.environ["PATH"]
    done = subprocess.run(
        [*before, sys.executable, "-m", "seawall", "-C", str(project), "doctor", "--json"],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )
    assert done.stdout, done.stderr
    told = json.loads(done.stdout)
    assert told["healthy"] == (done.returncode == 0)
    return done.returncode, {finding["subject"]: finding for finding in told["findings"]}


def test_a_site_with_nothing_missing(project: Path) -> None:
    code, found = doctor(project)
    assert [subject for subject, finding in found.items() if finding["verdict"] == "missing"] == []
    assert code == 0
    assert found["reader of packs"]["verdict"] == "ok"
    assert found["application"]["text"] == f"wsgi: main:app, in {project}"
    assert found["servers"]["text"].startswith("2 to "), "servers.max is named"
    assert found["servers"]["text"].endswith("; servers.max names another number)")
    assert sorted(file.name for file in project.iterdir()) == ["main.py", "seawall.toml"], "it only looks"


def test_which_settings_a_django_project_will_have(project: Path) -> None:
    file = project / "seawall.toml"
    file.write_text(file.read_text().replace('wsgi = "main:app"', ""))
    name = 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.{}")\n'
    (project / "manage.py").write_text(name.format("local"))
    (project / "shop").mkdir()
    (project / "shop" / "wsgi.py").write_text(name.format("production") + "application = None\n")
    (project / "shop" / "local.py").write_text('WSGI_APPLICATION = "shop.wsgi.application"\n')
    _, found = doctor(project)
    assert found["application"]["text"] == (
        f"django: shop.wsgi:application, in {project} (WSGI_APPLICATION in shop/local.py names it); "
        "settings shop.production, which shop/wsgi.py names; manage.py names shop.local"
    )
    assert "Django" in found["interpreter"]["text"]
    (project / "shop" / "wsgi.py").unlink()
    _, found = doctor(project)
    assert found["application"]["text"].endswith("; settings shop.local, which manage.py names")
    add(project, '[environment]\nDJANGO_SETTINGS_MODULE = "shop.production"')
    _, found = doctor(project)
    assert found["application"]["text"].endswith(
        "; settings shop.production, which seawall.toml names; manage.py names shop.local"
    )


def test_what_a_person_sees(project: Path) -> None:
    add(project, 'user = "nobody-of-this-name"' if os.getuid() == 0 else 'python = "missing"')
    shown = subprocess.run(
        [sys.executable, "-m", "seawall", "-C", project, "doctor"], capture_output=True, text=True, check=False
    )
    assert shown.returncode == 1
    lines = shown.stdout.splitlines()
    wrong = next(index for index, line in enumerate(lines) if line.startswith("✗ application"))
    assert "nobody-of-this-name" in lines[wrong] or "missing" in lines[wrong]
    assert "seawall.toml" in lines[wrong + 1] or "interpreter" in lines[wrong + 1]


@pytest.mark.skipif(
    not shutil.which("unshare")
    or subprocess.run([*NAMESPACE, "true"], check=False, capture_output=True).returncode != 0,
    reason="no mount namespace may be made here",
)
def test_haproxy_is_not_installed(project: Path) -> None:
    # A namespace in which the machine's own haproxy is hidden: it is found without PATH too.
    hide = 'mount --bind /dev/null "$(readlink -f /usr/sbin/haproxy)" && exec "$0" "$@"'
    code, found = doctor(project, *NAMESPACE, "sh", "-c", hide, path="/usr/bin:/bin")
    assert code == 1
    assert found["HAProxy"]["text"] == "HAProxy is not installed."
    assert found["HAProxy"]["remedy"] == "Install it: sudo apt-get install haproxy"


def test_haproxy_is_too_old(project: Path, tmp_path: Path) -> None:
    old = tmp_path / "haproxy"
    old.write_text("#!/bin/sh\necho HAProxy version 2.4.3-1 2021/08/17\n")
    old.chmod(0o755)
    code, found = doctor(project, path=f"{tmp_path}:{os.environ['PATH']}")
    assert (code, found["HAProxy"]["text"]) == (1, "HAProxy 2.4 is too old; 2.6 is needed.")


def test_a_port_is_taken(project: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        (project / "seawall.toml").write_text(
            f'wsgi = "main:app"\nlisten.http = {port}\nlisten.https = {free_port()}\n'
        )
        code, found = doctor(project)
    assert (code, found["ports"]["verdict"]) == (1, "missing")
    assert found["ports"]["text"].startswith(f"Port {port} is taken by ")
    assert "listen.http" in found["ports"]["remedy"]


def test_settings_are_wrong(project: Path) -> None:
    add(project, 'strategy = "random"')
    code, found = doctor(project)
    assert code == 1
    assert found["settings"]["text"].endswith(
        "seawall.toml:1: strategy: there is no such setting; `strategy` belongs under [balancer]."
    )
    assert "ports" not in found


def test_django_is_missing_in_the_projects_python(project: Path) -> None:
    (project / "seawall.toml").write_text(
        f'python = "bare"\nlisten = {{ http = {free_port()}, https = {free_port()} }}\n'
    )
    (project / "manage.py").write_text('os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\n')
    bare = project / "bare"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    bare.chmod(0o755)
    code, found = doctor(project)
    assert code == 1
    assert found["interpreter"]["text"] == f"{bare}: ModuleNotFoundError: No module named 'django'"
    assert found["interpreter"]["remedy"] == f"{bare} -m pip install django"


def test_there_is_no_application(project: Path) -> None:
    (project / "seawall.toml").write_text("")
    code, found = doctor(project)
    assert (code, found["application"]["verdict"], found["interpreter"]["verdict"]) == (1, "missing", "note")


def test_the_program_of_a_command_is_missing(project: Path) -> None:
    text = (project / "seawall.toml").read_text().replace('wsgi = "main:app"', 'command = "no-such-program {port}"')
    (project / "seawall.toml").write_text(text)
    code, found = doctor(project)
    assert (code, found["interpreter"]["text"]) == (1, "The program no-such-program is not there.")


def test_the_state_folder_cannot_be_used(project: Path) -> None:
    state = locate(project).state
    state.parent.mkdir(exist_ok=True)
    try:
        state.write_text("a file where the folder should be")
        code, found = doctor(project)
        assert (code, found["state folder"]["verdict"]) == (1, "missing")
        state.unlink()
        state.symlink_to(project)
        code, found = doctor(project)
        assert (code, found["state folder"]["text"]) == (1, f"{state} is a symbolic link.")
    finally:
        state.unlink()


def test_an_own_certificate_that_ends_soon_or_is_for_others(project: Path) -> None:
    for days, domain, said in [("5", "localhost", "ends on"), ("90", "a.test", "is not for localhost but for a.test")]:
        pair = project / "own.pem"
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "-", "-out", "-"]
        names = ["-subj", "/CN=x", "-addext", f"subjectAltName=DNS:{domain}"]
        made = subprocess.run(["openssl", "req", "-x509", "-days", days, *key, *names], capture_output=True, check=True)
        pair.write_bytes(made.stdout)
        (project / "seawall.toml").write_text('wsgi = "main:app"\nhttps.certificate = "own.pem"\n')
        _, found = doctor(project)
        assert found["certificate"]["verdict"] == "note"
        assert said in found["certificate"]["text"]


@pytest.mark.parametrize(("library", "said"), [(None, "was not compiled"), (b"\x7fELF?", "cannot be loaded")])
def test_the_reader_of_packs_is_missing(project: Path, tmp_path: Path, library: bytes | None, said: str) -> None:
    """As where there was no compiler when Seawall was installed, or where it came from another machine."""
    copied = tmp_path / "seawall"
    shutil.copytree(Path(seawall.__file__).parent, copied, ignore=shutil.ignore_patterns("*.so"))
    if library:
        (copied / "audit/history" / f"_packs{EXTENSION_SUFFIXES[0]}").write_bytes(library)
    code, found = doctor(project, "env", f"PYTHONPATH={tmp_path}")
    assert (code, found["reader of packs"]["verdict"]) == (0, "note")
    assert said in found["reader of packs"]["text"]
    assert "libdeflate" in found["reader of packs"]["remedy"]


def test_the_versions_are_the_interpreters_own(project: Path, tmp_path: Path) -> None:
    """Modules of the application that are called like Python's are not run in their place."""
    for name in ("platform", "django"):
        (project / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    _, found = doctor(project)
    assert found["application"]["verdict"] == "ok"
    assert any("Python 3" in finding["text"] and finding["verdict"] == "ok" for finding in found.values()), found
    (project / "seawall.toml").write_text(f"listen = {{ http = {free_port()}, https = {free_port()} }}\n")
    (project / "manage.py").write_text('os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\n')
    _, found = doctor(project)
    assert any("Django" in finding["text"] for finding in found.values()), found
    assert not (tmp_path / "ran").exists()


def test_of_a_running_site_it_tells_what_is_in_effect(tmp_path: Path) -> None:
    """Not only what seawall.toml says, from which `seawall set` has taken it away."""
    with running(Site.small(tmp_path, "[servers]\nmin = 1\nmax = 2\nconcurrency = 3\n")) as site:

        def told(subject: str) -> str:
            findings = json.loads(site.run("doctor", "--json").stdout)["findings"]
            return str(next(finding["text"] for finding in findings if finding["subject"] == subject))

        assert told("servers") == "1 to 2, as the load needs them"
        assert told("concurrency") == "3 requests at a time in each server, as seawall.toml says"
        assert told("limits") == "none are set: servers.cpu, servers.memory"
        assert told("sleep") == "it does not: servers.min = 1"
        for key, value in (("max", "5"), ("min", "0"), ("concurrency", "7"), ("cpu", "0.2"), ("memory", "512M")):
            assert site.run("set", f"servers.{key}", value).returncode == 0
        assert told("servers") == "0 to 5, as the load needs them; by seawall.toml: 1 to 2"
        assert told("concurrency") == "7 requests at a time in each server; by seawall.toml: 3"
        assert told("sleep") == "as servers.min = 0, it does when nobody comes; by seawall.toml: servers.min = 1"
        limits = told("limits")
        assert limits.startswith("0.2 processors and 512 MB for each server, enforced") or "cannot be" in limits
        if "cannot be" not in limits:
            assert limits.endswith("; by seawall.toml: none")


def test_of_another_users_site_it_says_whose_it_is(open_folder: Path, stranger: pwd.struct_passwd) -> None:
    folder = open_folder / "site"
    folder.mkdir()
    (folder / "application.py").write_text("def application(environ, start): ...\n")
    site = Site(folder, f'wsgi = "application:application"\npython = "{users.PYTHON}"\n[servers]\nmin = 1\n')
    users.give(folder, stranger)
    with running(site):
        told = json.loads(users.run(stranger, *users.seawall_command(folder, "doctor", "--json")).stdout)
    found = {finding["subject"]: finding for finding in told["findings"]}
    assert found["what runs"]["verdict"] == "note"
    for subject in ("what runs", "servers", "concurrency", "limits", "sleep"):
        assert "is run by root" in found[subject]["text"], subject
