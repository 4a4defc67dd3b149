"""Finding the application, and saying what to write where none is found."""

import os
import pwd
import sys
from pathlib import Path

import pytest

from seawall.config import Settings
from seawall.errors import ApplicationNotFound, ConfigError
from seawall.fleet.application import find

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


def test_settings_named_in_the_environment_win(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"manage.py": SETDEFAULT})
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "shop.production")
    assert find(Settings(), tmp_path).target == "shop.production"
    own = Settings(environment={"DJANGO_SETTINGS_MODULE": "shop.staging"})
    assert find(own, tmp_path).target == "shop.staging"


def test_settings_named_only_in_wsgi(tmp_path: Path) -> None:
    write(tmp_path, {"manage.py": "print()\n", "shop/wsgi.py": SETDEFAULT})
    assert find(Settings(), tmp_path).target == "shop.settings"


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
def test_whom_root_runs_it_as(tmp_path: Path) -> None:
    write(tmp_path, {"app.py": ""})
    assert find(Settings(wsgi="app:app"), tmp_path).user is None
    os.chown(tmp_path, 65534, 65534)
    found = find(Settings(wsgi="app:app"), tmp_path)
    assert found.user == (65534, 65534)
    assert found.environment["USER"] == "nobody"
    os.chown(tmp_path, 54321, 54321)
    with pytest.raises(ConfigError, match="54321"):
        find(Settings(wsgi="app:app"), tmp_path)
    with pytest.raises(ConfigError, match="nosuchuser"):
        find(Settings(wsgi="app:app", user="nosuchuser"), tmp_path)


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
