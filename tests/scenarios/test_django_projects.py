"""Django projects as people have them: fresh, unprepared, with an own environment, in a subfolder, another user's."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import django
import pytest

from seawall.errors import shell
from seawall.fleet.interpreter import INSIDE, may_read
from tests.patience import PATIENCE
from tests.scenarios.examine import replaced, serves, survives_a_death
from tests.scenarios.site import Site, running
from tests.scenarios.visitor import Visitor
from tests.users import give

NOBODY = (65534, 65534)
SYSTEM_PYTHON = "/usr/bin/python3"
PACKAGES = Path(django.__file__).parent.parent
WHO = """
import getpass, importlib.util, os, sys
from django.http import JsonResponse
from django.urls import path
def who(request):
    packages = [name for name in ("gunicorn", "pydantic", "rich") if importlib.util.find_spec(name)]
    return JsonResponse({"prefix": sys.prefix, "uid": os.getuid(), "groups": os.getgroups(), "home": os.environ["HOME"],
                         "packages": packages, "folder": os.getcwd()})
urlpatterns = [path("", who)]
"""


def project(folder: Path) -> Path:
    """What `django-admin startproject mysite` makes."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [sys.executable, "-m", "django", "startproject", "mysite", "."], cwd=folder, timeout=PATIENCE, check=True
    )
    return folder


def own_environment(folder: Path, python: str) -> None:
    """A virtual environment that has Django and nothing else, in a moment."""
    command = [python, "-m", "venv", "--without-pip", ".venv"]
    subprocess.run(command, cwd=folder, timeout=PATIENCE, check=True)
    packages = next((folder / ".venv" / "lib").glob("python*/site-packages"))
    for name in ("django", "asgiref", "sqlparse"):
        (packages / name).symlink_to(PACKAGES / name)


def advice(site: Site, level: str = "fix") -> dict[str, list[str]]:
    """What is wrong → the lines that correct it."""
    return {each["problem"]: each["lines"] for each in site.status()["advice"] if each["level"] == level}


def test_a_fresh_project_with_debug(tmp_path: Path) -> None:
    with running(Site(project(tmp_path / "site"))) as site:
        serves(site)
        visitor = Visitor(site.https)
        assert "The install worked successfully" in visitor.get("/").text
        page = visitor.get("/admin/")
        assert page.url == f"{visitor.home}/admin/login/?next=/admin/"
        assert all(visitor.get(file).status == 200 for file in page.files())
        assert len(page.files()) > 3
        survives_a_death(site)
        assert "DEBUG is on." in advice(site, "information")
        assert any("manage.py migrate" in line for lines in advice(site).values() for line in lines)
        assert f"{shell(sys.executable)} manage.py migrate" in site.log.read_text()


def test_a_project_that_allows_no_host_is_told_the_line(tmp_path: Path) -> None:
    folder = project(tmp_path / "site")
    settings = folder / "mysite" / "settings.py"
    settings.write_text(settings.read_text().replace("DEBUG = True", "DEBUG = False"))
    with running(Site(folder)) as site:
        assert Visitor(site.https).get("/admin/").status == 400
        lines = next(lines for problem, lines in advice(site).items() if "ALLOWED_HOSTS" in problem)
        assert lines[0] in site.log.read_text()
        with settings.open("a") as file:
            file.write("\n".join(lines))
        assert site.run("down").returncode == 0
        site.up()
        page = Visitor(site.https).get("/admin/")
        assert page.status == 200
        assert all(Visitor(site.https).get(file).status == 200 for file in page.files())


def test_a_project_with_an_environment_of_its_own(tmp_path: Path) -> None:
    """It has Django and no server: Seawall lends one, and nothing else of its own packages."""
    folder = project(tmp_path / "site")
    (folder / "mysite" / "urls.py").write_text(WHO)
    own_environment(folder, sys.executable)
    with running(Site(folder)) as site:
        answer = Visitor(site.https).get("/").json()
        assert answer["prefix"] == str(folder / ".venv")
        assert answer["packages"] == ["gunicorn"]
        (migrate,) = next(lines for problem, lines in advice(site).items() if "migrations" in problem)
        assert migrate == ".venv/bin/python manage.py migrate"
        subprocess.run(migrate, shell=True, cwd=folder, env={"PATH": "/nowhere"}, timeout=PATIENCE, check=True)
        survives_a_death(site)


@pytest.mark.parametrize("settings", ["", 'wsgi = "mysite.wsgi:application"', 'asgi = "mysite.asgi:application"'])
def test_a_project_in_a_subfolder(tmp_path: Path, settings: str) -> None:
    folder = tmp_path / "site"
    (project(folder / "backend") / "mysite" / "urls.py").write_text(WHO)
    with running(Site(folder, settings)) as site:
        assert Visitor(site.https).get("/").json()["folder"] == str(folder / "backend")
        survives_a_death(site)


@pytest.mark.skipif(os.getuid() != 0, reason="only root may run something as another user")
@pytest.mark.skipif(not may_read(INSIDE, NOBODY), reason="this copy of Seawall is where only root may read it")
def test_root_runs_a_project_as_its_owner(open_folder: Path, stranger: pwd.struct_passwd) -> None:
    folder = project(open_folder / "site")
    (folder / "mysite" / "urls.py").write_text(WHO)
    own_environment(folder, SYSTEM_PYTHON)  # the one of the tests may be in root's home
    give(folder, stranger)
    with running(Site(folder)) as site:
        answer = Visitor(site.https).get("/").json()
        assert (answer["uid"], answer["home"]) == (stranger.pw_uid, stranger.pw_dir)
        assert set(answer["groups"]) == set(os.getgrouplist(stranger.pw_name, stranger.pw_gid))
        assert len(answer["groups"]) == 2
        for victim in site.servers().values():
            assert Path(f"/proc/{victim}").stat().st_uid == stranger.pw_uid
            os.kill(victim, signal.SIGKILL)
            replaced(site, victim)
        serves(site)


@pytest.mark.skipif(os.getuid() != 0, reason="only root may run something as another user")
def test_root_runs_a_command_on_a_unix_socket_as_its_owner(open_folder: Path, stranger: pwd.struct_passwd) -> None:
    folder = Path(shutil.copytree(Path(__file__).with_name("applications") / "socket", open_folder / "site"))
    give(folder, stranger)
    with running(Site(folder, 'command = "python3 server.py {socket}"')) as site:
        assert {Path(f"/proc/{pid}").stat().st_uid for pid in site.servers().values()} == {stranger.pw_uid}
        serves(site)
        survives_a_death(site)


def test_what_wsgi_does_first_is_done(tmp_path: Path) -> None:
    """manage.py is for the developer, wsgi.py for the site: its variables, its settings, its database."""
    folder = project(tmp_path / "site")
    settings = folder / "mysite" / "settings.py"
    with settings.open("a") as file:
        file.write('import os\nALLOWED_HOSTS = ["*"]\nDATABASES["default"]["NAME"] = os.environ["DATABASE"]\n')
    (folder / "mysite" / "production.py").write_text("from .settings import *\nDEBUG = False\n")
    wsgi = folder / "mysite" / "wsgi.py"
    wsgi.write_text(
        'import os\nos.environ["DATABASE"] = "real.sqlite3"\n' + wsgi.read_text().replace(".settings", ".production")
    )
    with running(Site(folder)) as site:
        assert Visitor(site.https).get("/").status == 404, "no page for debugging"
        told = site.log.read_text()
        assert "The site runs with mysite.production; manage.py names mysite.settings." in told
        lines = [line for problem, lines in advice(site).items() if "migrations" in problem for line in lines]
        assert lines == [
            f"DJANGO_SETTINGS_MODULE=mysite.production DATABASE=real.sqlite3 {shell(sys.executable)} manage.py migrate"
        ]
        assert site.status()["application"] == {"kind": "django", "target": "mysite.wsgi:application"}


def test_a_project_that_has_only_asgi(tmp_path: Path) -> None:
    folder = project(tmp_path / "site")
    (folder / "mysite" / "urls.py").write_text(WHO)
    (folder / "mysite" / "wsgi.py").unlink()
    settings = folder / "mysite" / "settings.py"
    settings.write_text(settings.read_text().replace("WSGI_APPLICATION", "IGNORED"))
    with running(Site(folder)) as site:
        assert Visitor(site.https).get("/").json()["folder"] == str(folder)
        assert site.status()["application"] == {"kind": "asgi", "target": "mysite.asgi:application"}
        assert any("manage.py migrate" in line for lines in advice(site).values() for line in lines)
        survives_a_death(site)


def test_views_that_cannot_be_imported_replace_nothing(tmp_path: Path) -> None:
    """Django imports them at the first request: then it would be too late to keep the old ones."""
    folder = project(tmp_path / "site")
    urls = folder / "mysite" / "urls.py"
    urls.write_text(WHO)
    with running(Site(folder)) as site:
        old = site.servers()
        urls.write_text(WHO + "\ndef x(:\n")
        assert site.run("restart", "all").returncode == 0
        state = site.wait(lambda s: "SyntaxError" in s["trouble"])
        assert "the new code does not start, the old goes on" in state["trouble"]
        assert site.servers() == old
        assert Visitor(site.https).get("/").json()["folder"] == str(folder)
        urls.write_text(WHO)
        site.wait(lambda s: not s["trouble"] and not set(old) & {x["name"] for x in s["servers"]})
