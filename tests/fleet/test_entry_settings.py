"""A Django project runs with the settings that gunicorn, given the same module in the same environment, would have."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from seawall.errors import shell
from seawall.fleet import django, warm

from .conftest import Site, write
from .projects import (
    DEFAULT,
    FORCING,
    LOAD,
    OWN,
    SETTINGS,
    UNNAMED,
    WSGI,
    asgi_only,
    moved,
    project,
    split,
    under_src,
)

PYTHON = shell(sys.executable)
BARE = {**os.environ, "PATH": "/nowhere"}


def other_server(folder: Path, target: str, asgi: bool, environment: dict[str, str], path: str) -> dict[str, object]:
    """What the project answers from gunicorn, or from uvicorn where it has ASGI only."""
    address = folder.parent / "other"
    server = ["uvicorn", "--uds", str(address)] if asgi else ["gunicorn", "--bind", f"unix:{address}"]
    code = {**os.environ, **environment, "PYTHONPATH": path, "PYTHONSAFEPATH": ""}
    command = [sys.executable, "-m", *server, target]
    running = subprocess.Popen(command, cwd=folder, env=code, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while True:
            assert running.poll() is None, "it ended"
            try:
                return asyncio.run(_ask(address))
            except OSError:  # it does not listen yet
                assert time.monotonic() < deadline
                time.sleep(0.05)
    finally:
        running.terminate()
        running.wait(10)


async def _ask(address: Path) -> dict[str, object]:
    reader, writer = await asyncio.open_unix_connection(address)
    writer.write(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), 30)
    writer.close()
    return dict(json.loads(answer.partition(b"\r\n\r\n")[2]))


async def served(site: Site) -> dict[str, object]:
    report = await site.warmed(30)
    assert report.ready, report.failed
    await site.fork("s1")
    return dict(json.loads((await site.get("s1"))[1]))


SHAPES = [
    pytest.param(project(), {}, DEFAULT, id="plain"),
    pytest.param(project(wsgi_before=LOAD), {}, OWN, id="dotenv in wsgi.py"),
    pytest.param(project(manage_before=LOAD), {}, DEFAULT, id="dotenv in manage.py only"),
    pytest.param(
        project(wsgi_before=LOAD, manage_before=LOAD), {"KEY": "", "SECRET_KEY": "environment"},
        {**OWN, "KEY": "environment"}, id="dotenv in both, and the environment",
    ),
    pytest.param(
        split(manage="shop.settings.local", wsgi="shop.settings.production"), {},
        {"DEBUG": False, "KEY": "production", "module": "shop.settings.production"}, id="local and production",
    ),
    pytest.param(
        split(manage="shop.settings.local", wsgi="shop.settings.production"),
        {"DJANGO_SETTINGS_MODULE": "shop.settings.local"}, {"DEBUG": True, "KEY": "local"}, id="environment wins",
    ),
    pytest.param(
        {**project(), "shop/wsgi.py": UNNAMED},
        {"DJANGO_SETTINGS_MODULE": "shop.settings"}, DEFAULT, id="module only in the environment",
    ),
    pytest.param(
        asgi_only(project(wsgi_before=LOAD)), {}, {**OWN, "wrapped": "yes"}, id="ASGI only",
    ),
    pytest.param(moved(project(wsgi_before=LOAD), "back/"), {}, OWN, id="folder below"),
    pytest.param(under_src(project(wsgi_before=LOAD)), {}, OWN, id="src"),
    pytest.param(
        {**project(), "gunicorn.conf.py": 'wsgi_app = "deploy.site:app"\n', "deploy/site.py": WSGI.format(
            settings="shop.settings", before=LOAD).replace("application =", "app =")},
        {}, OWN, id="named in gunicorn.conf.py",
    ),
    pytest.param(
        {**project(), "shop/settings.py": SETTINGS + '    WSGI_APPLICATION = "deploy.site.app"\n', "deploy/site.py":
            WSGI.format(settings="shop.settings", before=LOAD).replace("application =", "app =")},
        {}, OWN, id="named by WSGI_APPLICATION",
    ),
    pytest.param(
        {**project(), "shop/wsgi.py": WSGI.format(settings="shop.settings", before="") + """
    def application(environ, start_response, inner=application):
        return inner({**environ, "HTTP_WRAPPED": "yes"}, start_response)
"""}, {}, {**DEFAULT, "wrapped": "yes"}, id="wrapped",
    ),
    pytest.param(moved(project(wsgi_before=LOAD), "né ici/"), {}, OWN, id="space and accent"),
]  # fmt: skip


@pytest.mark.parametrize(("files", "environment", "expected"), SHAPES)
def test_the_settings_are_those_of_gunicorn(
    make: Callable[..., Site], monkeypatch: pytest.MonkeyPatch, files: dict[str, str], environment: dict[str, str],
    expected: dict[str, object],
) -> None:  # fmt: skip
    for name in (*environment, "DEBUG", "SECRET_KEY", "NAME"):
        monkeypatch.delenv(name, raising=False)
    site = make(files, environment=environment)
    application = site.application
    assert application.project
    path = os.pathsep.join(application.project.path)
    theirs = other_server(application.folder, application.target, application.kind == "asgi", environment, path)
    assert asyncio.run(served(site)) == theirs
    assert expected.items() <= theirs.items()


def test_an_editable_installation(make: Callable[..., Site], tmp_path: Path) -> None:
    """The package is elsewhere, and its own wsgi.py reads its own `.env`."""
    files = project(wsgi_before=LOAD)
    manage = files.pop("manage.py")
    write(tmp_path / "library", files)
    venv = tmp_path / "site0" / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    packages = next(venv.glob("lib/python3.*/site-packages"))
    import django

    (packages / "editable.pth").write_text(f"{tmp_path / 'library'}\n{Path(django.__file__).parent.parent}\n")
    site = make({"manage.py": manage})
    assert OWN.items() <= asyncio.run(served(site)).items()


def test_no_entry_point_at_all(make: Callable[..., Site]) -> None:
    files = project()
    del files["shop/wsgi.py"]
    site = make(files)
    assert (site.application.kind, site.application.target) == ("django", "shop.settings")
    assert DEFAULT.items() <= asyncio.run(served(site)).items()


def advice(site: Site) -> list[warm.Advice]:
    async def scenario() -> warm.WarmReport:
        return await site.warmed(30)

    report = asyncio.run(scenario())
    assert report.ready, report.failed
    return list(report.advice)


def test_manage_and_wsgi_that_disagree(make: Callable[..., Site]) -> None:
    said = advice(make(split(manage="shop.settings.local", wsgi="shop.settings.production")))
    first = said[0]
    assert first.level == "information"
    assert "runs with shop.settings.production; manage.py names shop.settings.local." in first.problem
    assert first.lines == ("[environment]", 'DJANGO_SETTINGS_MODULE = "shop.settings.local"')
    migrate = next(each for each in said if "migration" in each.problem)
    assert migrate.lines == (f"DJANGO_SETTINGS_MODULE=shop.settings.production {PYTHON} manage.py migrate",)


def test_settings_made_for_production_that_are_not_used(make: Callable[..., Site]) -> None:
    files = split(manage="shop.settings.local", wsgi="shop.settings.local")
    first, *others = advice(make({**files, "Dockerfile": "ENV DJANGO_SETTINGS_MODULE=shop.settings.docker\n"}))
    assert "runs with shop.settings.local; Dockerfile names shop.settings.docker" in first.problem
    assert "shop.settings.production" in first.problem
    assert "DEBUG is on." in [each.problem for each in others]
    migrate = next(each for each in others if "migration" in each.problem)
    assert migrate.lines == (f"{PYTHON} manage.py migrate",)


def test_settings_that_seawall_toml_chose(make: Callable[..., Site]) -> None:
    """What one has just done, one is not told to do otherwise."""
    files = split(manage="shop.settings.local", wsgi="shop.settings.production")
    site = make(files, environment={"DJANGO_SETTINGS_MODULE": "shop.settings.local"})
    assert not [each for each in advice(site) if "runs with" in each.problem or "[environment]" in each.lines]
    assert site.application.project is not None
    said = django.expected(site.application.project, site.application.environment)
    assert said == "settings shop.settings.local, which seawall.toml names"


def test_a_table_that_is_there_is_not_to_be_written_again(make: Callable[..., Site]) -> None:
    files = split(manage="shop.settings.local", wsgi="shop.settings.production")
    first = advice(make(files, environment={"OTHER": "1"}))[0]
    assert first.problem.endswith("To use another, in [environment] of seawall.toml:")
    assert first.lines == ('DJANGO_SETTINGS_MODULE = "shop.settings.local"',)


@pytest.mark.parametrize(
    ("python", "typed"),
    [
        ("/srv/my site/.venv/bin/python", ".venv/bin/python"),
        ("/srv/my site/back/my env/bin/python", "'back/my env/bin/python'"),
        ("/srv/my site/python", "./python"),
        ("/opt/my env/bin/python", "'/opt/my env/bin/python'"),
    ],
)
def test_the_interpreter_as_it_is_typed(python: str, typed: str) -> None:
    project = Path("/srv/my site")
    assert django.typed(Path(python), project, project) == typed
    assert django.typed(project / ".venv/bin/python", project, project / "back") == "../.venv/bin/python"


def test_settings_that_wsgi_forces(make: Callable[..., Site]) -> None:
    files = split(manage="shop.settings.local", wsgi="shop.settings.production")
    files["shop/wsgi.py"] = files["shop/wsgi.py"].replace(
        'environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings.production")',
        'environ["DJANGO_SETTINGS_MODULE"] = "shop.settings.production"',
    )
    first = advice(make(files))[0]
    assert "shop/wsgi.py sets this whatever the environment says" in first.problem
    assert first.lines == ()


@pytest.mark.parametrize(
    "files",
    [
        pytest.param(project(wsgi_before=LOAD), id="wsgi.py reads .env"),
        pytest.param(project(manage_before=LOAD), id="manage.py does"),
        pytest.param(
            {**project(wsgi_before="from . import prepare"), "shop/prepare.py": LOAD}, id="what wsgi.py imports does"
        ),
        pytest.param(project(wsgi_before='os.environ["NAME"] = "own.sqlite3"'), id="wsgi.py names it"),
        pytest.param(project(wsgi_before='os.environ.setdefault("NAME", "x" + ".sqlite3")'), id="wsgi.py computes it"),
        pytest.param(project(manage_before='os.environ["NAME"] = "own.sqlite3"'), id="manage.py forces it"),
        pytest.param(project(manage_before='os.environ.setdefault("NAME", "own.sqlite3")'), id="manage.py names it"),
        pytest.param(moved(project(wsgi_before=LOAD), "back end/"), id="folder below"),
        pytest.param(split(manage="shop.settings.local", wsgi="shop.settings.production"), id="other settings"),
        pytest.param(under_src(project(wsgi_before=LOAD)), id="src"),
        pytest.param(
            {**split(manage="shop.settings.local", wsgi="shop.settings.production"), "manage.py": FORCING},
            id="manage.py forces others",
        ),
    ],
)
def test_the_suggested_command_migrates_the_database_of_the_site(
    make: Callable[..., Site], files: dict[str, str]
) -> None:
    """As typed in the project's folder, in a shell without any of the site's variables, and without a `python`."""
    site = make(files)
    name = str(asyncio.run(served(site))["NAME"])
    command = next(each for each in advice(site) if "migration" in each.problem).lines[0]
    subprocess.run(command, shell=True, cwd=site.paths.project, env=BARE, check=True, stdout=subprocess.DEVNULL)
    assert (site.application.folder / name).stat().st_size > 0
    assert [each for each in advice(site) if "migration" in each.problem] == []


def test_values_of_the_environment_are_not_told(make: Callable[..., Site]) -> None:
    """A default in manage.py names a variable whose real value is secret."""
    files = project(manage_before='os.environ.setdefault("SECRET_KEY", "for development")')
    said = advice(make(files, environment={"SECRET_KEY": "hush"}))
    assert "hush" not in str(said)
    assert "The command needs SECRET_KEY as in seawall.toml." in str(said)


def test_an_entry_point_that_names_no_settings(make: Callable[..., Site]) -> None:
    report = asyncio.run(make({**project(), "shop/wsgi.py": UNNAMED}).warmed(30))
    assert not report.ready
    assert "shop/wsgi.py names no settings" in report.failed
    assert '[environment]\nDJANGO_SETTINGS_MODULE = "shop.settings"' in report.failed


def test_both_read_the_same_file(make: Callable[..., Site]) -> None:
    """However each of them finds it: then manage.py's own command will do."""
    read = (
        'import os\n    from dotenv import load_dotenv as read_dotenv\n    read_dotenv()\n    os.path.join("x", ".env")'
    )
    said = advice(make(project(wsgi_before=read, manage_before=LOAD)))
    assert [each.lines for each in said if "migration" in each.problem] == [(f"{PYTHON} manage.py migrate",)]
    assert "reads" not in str(said)


def test_what_only_gunicorn_would_do_is_said(make: Callable[..., Site]) -> None:
    files = {
        **project(),
        "gunicorn.conf.py": LOAD + '\nraw_env = ["NAME=x.sqlite3", "DJANGO_SETTINGS_MODULE=shop.other"]\n',
    }
    said = [each.problem for each in advice(make(files))]
    assert "gunicorn.conf.py reads .env, sets NAME, which Seawall does not do." in said
    assert "gunicorn.conf.py names shop.other" in said[0]
