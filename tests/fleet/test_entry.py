"""Which module is chosen as a Django project's entry point, from its files alone."""

from pathlib import Path

import pytest

from seawall.config import Settings
from seawall.fleet.application import find

from .conftest import write

MADE = "application = get_wsgi_application()\n"
BESIDE = "it is beside shop.settings, which manage.py names"
ONLY = "it is the only wsgi.py"
NONE = "the project has neither a wsgi.py nor an asgi.py"
DEMO = 'WSGI_APPLICATION = "demo.wsgi.application"'
OURS = 'WSGI_APPLICATION = "deploy.site.app"'
TRY = "try:\n    from a import b as application\nexcept ImportError:\n    pass\n"
MANAGE = 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "{}")\n'


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)


@pytest.mark.parametrize(
    ("files", "kind", "target", "why"),
    [
        ({"shop/wsgi.py": MADE}, "django", "shop.wsgi:application", BESIDE),
        (
            {"shop/wsgi.py": MADE, "shop/settings.py": OURS, "deploy/site.py": "app = 1"},
            "django", "deploy.site:app", "WSGI_APPLICATION in shop/settings.py names it",
        ),
        (
            {"shop/wsgi.py": MADE, "deploy/site.py": MADE, "gunicorn.conf.py": 'wsgi_app = "deploy.site"'},
            "django", "deploy.site:application", "wsgi_app in gunicorn.conf.py names it",
        ),
        (
            {"shop/wsgi.py": MADE, "shop/asgi.py": "application = ProtocolTypeRouter({})",
             "gunicorn.conf.py": 'wsgi_app = "shop.asgi:application"'},
            "asgi", "shop.asgi:application", "wsgi_app in gunicorn.conf.py names it",
        ),
        (
            {"shop/live.py": "app = ProtocolTypeRouter({})\n", "gunicorn.conf.py": 'wsgi_app = "shop.live:app"'},
            "asgi", "shop.live:app", "wsgi_app in gunicorn.conf.py names it",
        ),
        (
            {"shop/asgi.py": "from .live import app\n", "gunicorn.conf.py": 'wsgi_app = "shop.asgi:app"'},
            "asgi", "shop.asgi:app", "wsgi_app in gunicorn.conf.py names it",
        ),
        (
            {"gunicorn.conf.py": 'wsgi_app = "elsewhere.wsgi:app"'},
            "django", "elsewhere.wsgi:app", "wsgi_app in gunicorn.conf.py names it",
        ),
        (
            {"shop/run.py": "def make(): ...\n", "gunicorn.conf.py": 'wsgi_app = "shop.run:make()"'},
            "django", "shop.run:make()", "wsgi_app in gunicorn.conf.py names it",
        ),
        ({"wsgi.py": MADE}, "django", "wsgi:application", "it is beside manage.py"),
        ({"other/wsgi.py": MADE}, "django", "other.wsgi:application", ONLY),
        ({"other/wsgi/__init__.py": MADE}, "django", "other.wsgi:application", ONLY),
        ({"one/wsgi.py": MADE, "two/wsgi.py": MADE}, "django", "shop.settings", NONE),
        ({"one/wsgi.py": MADE, "shop/wsgi.py": MADE}, "django", "shop.wsgi:application", BESIDE),
        ({"venv/wsgi.py": MADE, "tests/wsgi.py": MADE, "real/wsgi.py": MADE}, "django", "real.wsgi:application", ONLY),
        ({"shop/wsgi.py": MADE, "shop/asgi.py": MADE}, "django", "shop.wsgi:application", BESIDE),
        ({"shop/asgi.py": MADE}, "asgi", "shop.asgi:application", BESIDE),
        (
            {"shop/settings.py": 'ASGI_APPLICATION = "shop.live.app"', "shop/live.py": "async def app(): ..."},
            "asgi", "shop.live:app", "ASGI_APPLICATION in shop/settings.py names it",
        ),
        ({"src/shop/wsgi.py": MADE}, "django", "shop.wsgi:application", BESIDE),
        # What is named and not there, or there without the name, is passed over.
        (
            {"shop/settings.py": 'WSGI_APPLICATION = "gone.wsgi.application"', "shop/wsgi.py": MADE},
            "django", "shop.wsgi:application", BESIDE,
        ),
        (
            {"shop/settings.py": 'WSGI_APPLICATION = "application"', "__init__.py": MADE, "shop/wsgi.py": MADE},
            "django", "shop.wsgi:application", BESIDE,
        ),
        (
            {"shop/settings.py": 'WSGI_APPLICATION = "a/b.wsgi.app"', "a/b/wsgi.py": "app = 1", "shop/wsgi.py": MADE},
            "django", "shop.wsgi:application", BESIDE,
        ),
        ({"shop/wsgi.py": "import os\n", "wsgi.py": MADE}, "django", "wsgi:application", "it is beside manage.py"),
        # Whatever makes the name counts, and a file that is not Python is imported to say so.
        ({"shop/wsgi.py": "from .real import *\n"}, "django", "shop.wsgi:application", BESIDE),
        ({"shop/wsgi.py": TRY}, "django", "shop.wsgi:application", BESIDE),
        ({"shop/wsgi.py": "def broken(:\n"}, "django", "shop.wsgi:application", BESIDE),
        # Another package's settings are an example's or a test's, unless there is nothing else.
        (
            {"demo/settings.py": DEMO, "demo/wsgi.py": MADE, "shop/wsgi.py": MADE},
            "django", "shop.wsgi:application", BESIDE,
        ),
        (
            {"demo/settings.py": DEMO, "demo/wsgi.py": MADE, "more/wsgi.py": MADE},
            "django", "demo.wsgi:application", "WSGI_APPLICATION in demo/settings.py names it",
        ),
    ],
)  # fmt: skip
def test_the_entry_point(tmp_path: Path, files: dict[str, str], kind: str, target: str, why: str) -> None:
    write(tmp_path, {"manage.py": MANAGE.format("shop.settings"), **files})
    found = find(Settings(), tmp_path)
    assert (found.kind, found.target, found.why) == (kind, target, why)
    assert found.folder == tmp_path


@pytest.mark.parametrize("settings", ["shop.settings.local", "shop.conf.settings.local"])
def test_beside_any_package_of_the_settings(tmp_path: Path, settings: str) -> None:
    write(tmp_path, {"manage.py": MANAGE.format(settings), "shop/wsgi.py": MADE, "more/wsgi.py": MADE})
    assert find(Settings(), tmp_path).target == "shop.wsgi:application"


def test_a_manage_that_computes_the_name(tmp_path: Path) -> None:
    """Mezzanine's does; the settings are then the entry point's affair."""
    write(tmp_path, {"manage.py": "print()\n", "shop/wsgi.py": MADE, "shop/settings.py": ""})
    assert find(Settings(), tmp_path).target == "shop.wsgi:application"


def test_a_folder_below_and_gunicorn_above(tmp_path: Path) -> None:
    write(tmp_path, {"back/manage.py": MANAGE.format("shop.settings"), "back/shop/wsgi.py": MADE})
    below = find(Settings(), tmp_path)
    assert (below.target, below.folder) == ("shop.wsgi:application", tmp_path / "back")
    write(tmp_path, {"gunicorn.conf.py": 'wsgi_app = "back.shop.wsgi:application"\n'})
    above = find(Settings(), tmp_path)
    assert (above.target, above.folder) == ("back.shop.wsgi:application", tmp_path)


def test_src_in_a_folder_below(tmp_path: Path) -> None:
    write(tmp_path, {"back/manage.py": MANAGE.format("shop.settings"), "back/src/shop/wsgi.py": MADE})
    found = find(Settings(), tmp_path)
    assert (found.target, found.folder) == ("shop.wsgi:application", tmp_path / "back")
    assert found.project
    assert (found.project.path, found.project.enters) == ((str(tmp_path / "back" / "src"),), "back")


def test_seawall_toml_goes_before_all(tmp_path: Path) -> None:
    files = {"shop/wsgi.py": MADE, "shop/asgi.py": MADE, "gunicorn.conf.py": 'wsgi_app = "shop.wsgi"\n'}
    write(tmp_path, {"manage.py": MANAGE.format("shop.settings"), **files})
    found = find(Settings(asgi="shop.asgi:application"), tmp_path)
    assert (found.kind, found.target, found.why) == ("asgi", "shop.asgi:application", "seawall.toml names it")
    assert found.project
    assert found.project.file == "shop/asgi.py"


def test_settings_that_other_files_name(tmp_path: Path) -> None:
    files = {
        "manage.py": MANAGE.format("shop.settings.local"),
        "shop/wsgi.py": MANAGE.format("shop.settings.staging") + MADE,
        "shop/settings/production.py": "",
        "Dockerfile": "RUN DJANGO_SETTINGS_MODULE=shop.build x\nENV A=b \\\n  DJANGO_SETTINGS_MODULE=shop.docker\n",
        "Dockerfile.old": "ENV DJANGO_SETTINGS_MODULE shop.old\n# ENV DJANGO_SETTINGS_MODULE=shop.comment\n",
        "uwsgi.ini": "[uwsgi]\nenv = DJANGO_SETTINGS_MODULE=shop.uwsgi\n",
        "gunicorn.conf.py": 'raw_env = ["DJANGO_SETTINGS_MODULE=shop.gunicorn"]\n',
        "Procfile": "release: DJANGO_SETTINGS_MODULE=shop.x x\nweb: env DJANGO_SETTINGS_MODULE=shop.web gunicorn\n",
    }
    write(tmp_path, files)
    project = find(Settings(), tmp_path).project
    assert project
    assert project.production == ("shop.settings.production",)
    assert dict(project.named) == {
        "Dockerfile": "shop.docker",
        "Dockerfile.old": "shop.old",
        "uwsgi.ini": "shop.uwsgi",
        "gunicorn.conf.py": "shop.gunicorn",
        "Procfile": "shop.web",
    }


def test_secrets_of_seawall_toml_are_not_told(tmp_path: Path) -> None:
    write(tmp_path, {"manage.py": MANAGE.format("shop.settings"), "shop/wsgi.py": MADE})
    found = find(Settings(environment={"KEY": "hush", "DJANGO_SETTINGS_MODULE": "shop.other"}), tmp_path)
    assert "hush" not in repr(found)
    assert found.project
    assert found.project.configured == ("KEY",)


def test_code_that_only_looks_like_an_environment(tmp_path: Path) -> None:
    """A WSGI request's environ is none, and a very long chain of calls is read as well."""
    chain = "x = a" + ".b()" * 400 + "\n"
    wrapper = "def application(environ, start):\n    environ['SCRIPT_NAME'] = start\n    environ.update({})\n"
    write(tmp_path, {"manage.py": MANAGE.format("shop.settings"), "shop/wsgi.py": chain + wrapper})
    project = find(Settings(), tmp_path).project
    assert project
    assert (project.differs, project.sets) == ("", {})
