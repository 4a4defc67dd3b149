"""Django projects: found by manage.py, with their static files, and with advice where several servers need it."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from seawall.errors import shell
from seawall.fleet import warm

from .conftest import Site

MANAGE = """
    import os, sys
    def main():
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
        from django.core.management import execute_from_command_line
        execute_from_command_line(sys.argv)
    if __name__ == "__main__":
        main()
"""
URLS = """
    from django.contrib import admin
    from django.http import HttpResponse
    from django.urls import path
    def index(request):
        return HttpResponse(f"{request.get_host()} {request.scheme} {request.META['REMOTE_ADDR']}")
    urlpatterns = [path("admin/", admin.site.urls), path("", index)]
"""
SETTINGS = """
    from pathlib import Path
    BASE_DIR = Path(__file__).resolve().parent.parent
    SECRET_KEY = "not secret"
    ALLOWED_HOSTS = ["localhost"]
    ROOT_URLCONF = "mysite.urls"
    WSGI_APPLICATION = "mysite.wsgi.application"
    INSTALLED_APPS = ["django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes",
                      "django.contrib.sessions", "django.contrib.messages", "django.contrib.staticfiles"]
    MIDDLEWARE = ["django.middleware.security.SecurityMiddleware",
                  "django.contrib.sessions.middleware.SessionMiddleware",
                  "django.contrib.auth.middleware.AuthenticationMiddleware",
                  "django.contrib.messages.middleware.MessageMiddleware"]
    TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {
        "context_processors": ["django.template.context_processors.request",
                               "django.contrib.auth.context_processors.auth",
                               "django.contrib.messages.context_processors.messages"]}}]
    DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}}
    STATIC_URL = "static/"
    STATICFILES_DIRS = [BASE_DIR / "assets"]
    USE_TZ = True
"""
WSGI = """
    import os
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
    from django.core.wsgi import get_wsgi_application
    application = get_wsgi_application()
"""
ASGI = WSGI.replace("wsgi", "asgi")


def files(settings: str = "", below: str = "") -> dict[str, str]:
    return {
        f"{below}manage.py": MANAGE,
        f"{below}mysite/__init__.py": "",
        f"{below}mysite/settings.py": f"{SETTINGS}\n    " + settings,
        f"{below}mysite/urls.py": URLS,
        f"{below}mysite/wsgi.py": WSGI,
        f"{below}mysite/asgi.py": ASGI,
        f"{below}assets/site.css": "body { color: teal }",
    }


def migrate(site: Site) -> None:
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=site.application.folder, check=True)


def problems(report: warm.WarmReport) -> str:
    return "\n".join(advice.problem for advice in report.advice)


@pytest.mark.parametrize("below", ["", "backend/"])
def test_a_project_is_found_and_served(make: Callable[..., Site], below: str) -> None:
    async def scenario() -> None:
        site = make(files(below=below))
        assert (site.application.kind, site.application.target) == ("django", "mysite.wsgi:application")
        report = await site.warmed()
        assert (report.ready, report.can_fork, report.notes, report.failed) == (True, True, (), "")
        await site.fork("s1")
        told = ("X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https", "Host: localhost:8443")
        assert await site.get("s1", "/", *told) == (200, "localhost:8443 https 203.0.113.9")

    asyncio.run(scenario())


@pytest.mark.parametrize("asgi", ["", "mysite.asgi:application"])
def test_static_files_are_served_without_a_setting(make: Callable[..., Site], asgi: str) -> None:
    async def scenario() -> None:
        site = make(files(), asgi=asgi)
        await site.warmed()
        await site.fork("s1")
        assert await site.get("s1", "/static/site.css") == (200, "body { color: teal }")
        status, body = await site.get("s1", "/static/admin/css/base.css")
        assert status == 200
        assert len(body) > 10_000
        assert (await site.get("s1", "/static/../manage.py"))[0] == 404
        assert (await site.get("s1", "/static/none.css"))[0] == 404

    asyncio.run(scenario())


@pytest.mark.parametrize("asgi", ["", "mysite.asgi:application"])
def test_while_debugging_a_new_file_shows(make: Callable[..., Site], asgi: str) -> None:
    async def scenario() -> None:
        site = make(files("DEBUG = True"), asgi=asgi)
        await site.warmed()
        await site.fork("s1")
        (site.application.folder / "assets" / "new.css").write_text("new")
        assert await site.get("s1", "/static/new.css") == (200, "new")
        (site.application.folder / "assets" / "new.css").write_text("newer")
        assert await site.get("s1", "/static/new.css") == (200, "newer")

    asyncio.run(scenario())


def test_collected_files_are_preferred(make: Callable[..., Site]) -> None:
    async def scenario() -> None:
        site = make({**files('STATIC_ROOT = BASE_DIR / "collected"'), "collected/site.css": "collected"})
        await site.warmed()
        await site.fork("s1")
        assert await site.get("s1", "/static/site.css") == (200, "collected")

    asyncio.run(scenario())


def test_advice_for_the_usual_project(make: Callable[..., Site]) -> None:
    async def scenario() -> None:
        site = make(files(), https={"domains": ["example.org", "*.example.org", "localhost"]})
        report = await site.warmed()
        hosts, sqlite, migrations, cookies = report.advice
        assert hosts.lines == ("ALLOWED_HOSTS = ['localhost', 'example.org', '.example.org']",)
        assert '    "transaction_mode": "IMMEDIATE",' in sqlite.lines
        assert "migrations" in migrations.problem
        assert migrations.lines == (f"{shell(sys.executable)} manage.py migrate",)
        assert cookies.level == "information"

    asyncio.run(scenario())


GOOD = """
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    DATABASES["default"]["OPTIONS"] = {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": "PRAGMA x;"}
"""


def test_a_good_project_needs_no_advice(make: Callable[..., Site]) -> None:
    async def scenario() -> None:
        site = make(files(GOOD.strip()))
        migrate(site)
        report = await site.warmed()
        assert report.advice == ()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("DEBUG = True", "DEBUG is on"),
        ('SESSION_ENGINE = "django.contrib.sessions.backends.cache"', "Sessions are in the memory"),
        ('SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_SSL", "on")', "which Seawall does not send"),
        ('DATABASES["default"]["NAME"] = ":memory:"', "is in memory"),
        ('STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}};'
         ' STATIC_ROOT = BASE_DIR / "collected"', "not collected"),
        ('INSTALLED_APPS += ["channels"]; ASGI_APPLICATION = "mysite.asgi.application"', "websockets"),
        ('DATABASES["default"]["NAME"] = "/nowhere/db.sqlite3"', "Migrations: not verified"),
        ('ALLOWED_HOSTS = ["example.org"]', "refuses localhost"),
    ],
)  # fmt: skip
def test_advice(make: Callable[..., Site], settings: str, said: str) -> None:
    async def scenario() -> None:
        given = files(settings)
        given["channels/__init__.py"] = ""
        report = await make(given).warmed()
        assert report.ready
        assert said in problems(report)

    asyncio.run(scenario())


def test_asgi_with_kept_connections_is_advised_against(make: Callable[..., Site]) -> None:
    async def scenario() -> None:
        site = make(files('DATABASES["default"]["CONN_MAX_AGE"] = 60'), asgi="mysite.asgi:application")
        assert "keeps its connections" in problems(await site.warmed())

    asyncio.run(scenario())


def test_an_interpreter_without_any_server(make: Callable[..., Site], tmp_path: Path) -> None:
    """A virtual environment that has Django and nothing else gets gunicorn and WhiteNoise from Seawall's."""
    import asgiref
    import django
    import sqlparse

    async def scenario() -> None:
        given = files()
        given["mysite/urls.py"] += "    import sys\n    PATH = sys.path\n"
        venv = tmp_path / "site0" / ".venv"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
        packages = next(venv.glob("lib/python3.*/site-packages"))
        for package in (django, asgiref, sqlparse):
            folder = Path(str(package.__file__)).parent
            (packages / folder.name).symlink_to(folder)
        site = make(given)
        assert site.application.python == venv / "bin" / "python"
        report = await site.warmed()
        assert (report.ready, report.can_fork, report.notes, report.failed) == (True, True, (), "")
        await site.fork("s1")
        assert (await site.get("s1"))[0] == 200
        assert (await site.get("s1", "/static/site.css"))[0] == 200

    asyncio.run(scenario())
