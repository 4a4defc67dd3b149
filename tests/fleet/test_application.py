"""Finding the application, and saying what to write where none is found."""

import os
import pwd
import sys
from pathlib import Path

import pytest

from seawall import rights
from seawall.config import Settings, load
from seawall.errors import ApplicationNotFound, ConfigError
from seawall.fleet.application import find, root_note

from .conftest import write

SETDEFAULT = 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\n'


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)


@pytest.mark.parametrize(
    "source",
    [
        SETDEFAULT,
        'import os\nos.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"\n',
        f"import os\nos.putenv('X', 'y')\nif True:\n    {SETDEFAULT.splitlines()[1]}\n",
        'from decouple import config\nx = config("DJANGO_SETTINGS_MODULE", default="shop.settings")\n',
    ],
)
def test_settings_named_in_manage(tmp_path: Path, source: str) -> None:
    write(tmp_path, {"manage.py": source})
    found = find(Settings(), tmp_path)
    assert (found.kind, found.target, found.folder) == ("django", "shop.settings", tmp_path)
    assert (found.concurrency, found.warm_path, found.hosts) == (4, "/", ("localhost",))
    assert found.python == Path(sys.executable)


def test_a_manage_that_is_not_python(tmp_path: Path) -> None:
    write(tmp_path, {"manage.py": "def broken(:\n"})
    with pytest.raises(ApplicationNotFound, match="cannot be read as Python"):
        find(Settings(), tmp_path)


def test_settings_named_in_the_environment_win(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"manage.py": SETDEFAULT})
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "shop.production")
    assert find(Settings(), tmp_path).target == "shop.production"
    own = Settings(environment={"DJANGO_SETTINGS_MODULE": "shop.staging"})
    assert find(own, tmp_path).target == "shop.staging"


def test_manage_that_names_no_settings(tmp_path: Path) -> None:
    write(tmp_path, {"manage.py": "print()\n"})
    with pytest.raises(ApplicationNotFound, match="does not say which settings") as error:
        find(Settings(), tmp_path)
    assert "[environment]" in error.value.remedy


def test_manage_one_folder_below(tmp_path: Path) -> None:
    write(tmp_path, {"backend/manage.py": SETDEFAULT, ".venv/manage.py": SETDEFAULT, "venv/manage.py": SETDEFAULT})
    assert find(Settings(), tmp_path).folder == tmp_path / "backend"


def test_two_projects_below_are_not_guessed_between(tmp_path: Path) -> None:
    write(tmp_path, {"one/manage.py": SETDEFAULT, "two/manage.py": SETDEFAULT})
    with pytest.raises(ApplicationNotFound) as error:
        find(Settings(), tmp_path)
    assert error.value.problem.endswith(": one, two.")


@pytest.mark.parametrize(
    ("files", "line"),
    [
        ({"app.py": "from flask import Flask\napp = Flask(__name__)\n"}, 'wsgi = "app:app"'),
        ({"server.py": "import fastapi\napi: object = fastapi.FastAPI()\n"}, 'asgi = "server:api"'),
        (
            {"shop/__init__.py": "", "shop/main.py": "from fastapi import FastAPI\na = FastAPI()\n"},
            'asgi = "shop.main:a"',
        ),
        ({"shop/__init__.py": "from flask import Flask\nsite = Flask('x')\n"}, 'wsgi = "shop:site"'),
        ({"shop/wsgi.py": "application = get_wsgi_application()\n"}, 'wsgi = "shop.wsgi:application"'),
        ({"shop/asgi.py": "application = get_asgi_application()\n"}, 'asgi = "shop.asgi:application"'),
        ({"gunicorn.conf.py": 'wsgi_app = "run:site"\n', "app.py": "app = Flask()\n"}, 'wsgi = "run:site"'),
        (
            {"gunicorn.conf.py": 'wsgi_app = "run:site"\nworker_class = "uvicorn.workers.UvicornWorker"\n'},
            'asgi = "run:site"',
        ),
        ({"package.json": '{"scripts": {"start": "node ."}}'}, 'command = "npm start"'),
        ({"package.json": '{"main": "web.js"}'}, 'command = "node web.js"'),
        ({"package.json": "{", "app.py": "def broken(:"}, 'wsgi = "module:application"'),
        ({}, 'wsgi = "module:application"'),
    ],
)
def test_the_line_to_write(tmp_path: Path, files: dict[str, str], line: str) -> None:
    write(tmp_path, files)
    with pytest.raises(ApplicationNotFound) as error:
        find(Settings(), tmp_path)
    assert line in error.value.remedy.splitlines()


def test_a_virtual_environment_of_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"app.py": ""})
    active = tmp_path / "elsewhere"
    for folder in (active, tmp_path / "venv"):
        (folder / "bin").mkdir(parents=True)
        (folder / "bin" / "python").symlink_to(sys.executable)
    settings = Settings(wsgi="app:app")
    assert find(settings, tmp_path).python == tmp_path / "venv" / "bin" / "python"
    monkeypatch.setenv("VIRTUAL_ENV", str(active))
    assert find(settings, tmp_path).python == tmp_path / "venv" / "bin" / "python"
    (tmp_path / "venv" / "bin" / "python").unlink()
    assert find(settings, tmp_path).python == active / "bin" / "python"
    assert find(Settings(wsgi="app:app", python="elsewhere/bin/python"), tmp_path).python == active / "bin" / "python"


@pytest.mark.parametrize("python", ["none/python", "app.py", "."])
def test_a_python_that_is_none(tmp_path: Path, python: str) -> None:
    write(tmp_path, {"app.py": ""})
    with pytest.raises(ConfigError, match="is no program"):
        find(Settings(wsgi="app:app", python=python), tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the application as another user")
def test_whom_root_runs_it_as(tmp_path: Path, stranger: pwd.struct_passwd, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"app.py": ""})
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/agent")
    monkeypatch.setenv("DATABASE_URL", "postgres:")
    found = find(Settings(wsgi="app:app"), tmp_path)
    assert found.user is None
    assert found.environment["SSH_AUTH_SOCK"] == "/run/agent"
    assert "chown -R USER" in root_note(found, tmp_path)
    os.chown(tmp_path, stranger.pw_uid, stranger.pw_gid)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("TZ", "UTC")
    found = find(Settings(wsgi="app:app", environment={"KEY": "theirs"}), tmp_path)
    assert found.user == (stranger.pw_uid, stranger.pw_gid)
    assert root_note(found, tmp_path) == ""
    own = {"HOME": stranger.pw_dir, "USER": stranger.pw_name, "LOGNAME": stranger.pw_name, "SHELL": stranger.pw_shell}
    expected = own | {"LC_ALL": "C.UTF-8", "TZ": "UTC", "KEY": "theirs"}
    assert expected.items() <= found.environment.items()
    others = {name for name in found.environment.keys() - expected.keys() if not name.startswith("LC_")}
    assert others <= {"PATH", "LANG", "TERM"}, "the rest is root's own business"
    os.chown(tmp_path, 65534, 65534)
    with pytest.raises(ConfigError, match="belongs to nobody"):
        find(Settings(wsgi="app:app"), tmp_path)
    os.chown(tmp_path, 54321, 54321)
    with pytest.raises(ConfigError, match="54321"):
        find(Settings(wsgi="app:app"), tmp_path)
    with pytest.raises(ConfigError, match="nosuchuser"):
        find(Settings(wsgi="app:app", user="nosuchuser"), tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the application as another user")
@pytest.mark.parametrize("named", ["root", "other"])
def test_only_root_names_another_user(open_folder: Path, stranger: pwd.struct_passwd, named: str) -> None:
    """In a file of the application's owner, or one its owner can put in that file's place."""
    user = "root" if named == "root" else "daemon"
    write(open_folder, {"app.py": "", "seawall.toml": f'wsgi = "app:app"\nuser = "{user}"\n'})
    settings = load(open_folder / "seawall.toml")
    for uid in (stranger.pw_uid, 65534):
        os.chown(open_folder / "seawall.toml", uid, -1)
        with pytest.raises(ConfigError, match="only root may name another user") as caught:
            find(settings, open_folder)
        assert rights.who(uid) in caught.value.problem
    os.chown(open_folder, stranger.pw_uid, -1)
    (open_folder / "seawall.toml").unlink()
    (open_folder / "seawall.toml").symlink_to("/etc/hostname")
    with pytest.raises(ConfigError, match="only root may name another user"):
        find(settings, open_folder)
    # Root's file, but it says something else than what was read: it has been put there meanwhile.
    (open_folder / "seawall.toml").unlink()
    write(open_folder, {"seawall.toml": "[https]\nenabled = false\n"})
    with pytest.raises(ConfigError, match="only root may name another user"):
        find(settings, open_folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the application as another user")
def test_a_user_that_is_named_rightly(open_folder: Path, stranger: pwd.struct_passwd) -> None:
    text = f'wsgi = "app:app"\nuser = "{stranger.pw_name}"\n'
    write(open_folder, {"app.py": "", "seawall.toml": text})
    settings = load(open_folder / "seawall.toml")
    assert find(settings, open_folder).user == (stranger.pw_uid, stranger.pw_gid)
    for path in (open_folder, open_folder / "seawall.toml"):
        os.chown(path, stranger.pw_uid, -1)
        assert find(settings, open_folder).user == (stranger.pw_uid, stranger.pw_gid)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the application as another user")
@pytest.mark.parametrize("theirs", ["seawall.toml", "shop", "shop/manage.py", ".venv", "shop/open"])
def test_root_does_not_run_what_others_can_change(open_folder: Path, stranger: pwd.struct_passwd, theirs: str) -> None:
    write(open_folder, {"shop/manage.py": SETDEFAULT, "seawall.toml": ""})
    assert find(Settings(), open_folder).user is None
    (open_folder / ".venv/bin").mkdir(parents=True)
    (open_folder / ".venv/bin/python").symlink_to("/usr/bin/python3")
    assert find(Settings(), open_folder).user is None
    if theirs == "shop/open":
        (open_folder / "shop").chmod(0o777)
    else:
        os.chown(open_folder / theirs, stranger.pw_uid, -1)
    with pytest.raises(ConfigError, match=r"would run as root, but .* can be changed by"):
        find(Settings(), open_folder)


def test_programs_of_the_virtual_environment_are_found(tmp_path: Path) -> None:
    write(tmp_path, {".venv/pyvenv.cfg": "", ".venv/bin/serve": ""})
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    path = find(Settings(command="serve {port}"), tmp_path).environment["PATH"]
    assert path.startswith(f"{tmp_path}/.venv/bin:")


def test_defaults_and_secrets(tmp_path: Path) -> None:
    write(tmp_path, {"main.py": ""})
    found = find(Settings(asgi="main:app", environment={"KEY": "hush"}), tmp_path)
    assert found.concurrency == 100
    assert found.environment["KEY"] == "hush"
    assert "hush" not in repr(found)
    assert find(Settings(command="x {port}"), tmp_path).concurrency == 100


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs applications as somebody else")
def test_another_user_has_a_home_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/root")
    account = pwd.getpwnam("nobody")
    application = find(Settings(wsgi="app:app", user="nobody"), tmp_path)
    assert application.user == (account.pw_uid, account.pw_gid)
    seen = {name: application.environment[name] for name in ("HOME", "USER", "LOGNAME", "SHELL")}
    assert seen == {"HOME": account.pw_dir, "USER": "nobody", "LOGNAME": "nobody", "SHELL": account.pw_shell}
