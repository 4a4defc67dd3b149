"""What is read of a project to find its application, whoever made it and whatever it is."""

import ast
import os
import pwd
from collections.abc import Callable
from pathlib import Path

import pytest

from seawall.config import Settings
from seawall.errors import ApplicationNotFound
from seawall.fleet import guess, source
from seawall.fleet.application import find

from .conftest import write

MANAGE = 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\n'
ENDLESS: dict[str, Callable[[Path], None]] = {
    "pipe": os.mkfifo,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "deep": lambda path: path.write_text("x = " + "-" * 100_000 + "1") and None,
    "brackets": lambda path: path.write_text("[" * 100_000) and None,
    "huge": lambda path: path.write_text("x = 1\n" * 1_000_000) and None,
    "no text": lambda path: path.write_bytes(b"\xff\0") and None,
}


@pytest.mark.parametrize("kind", ENDLESS)
@pytest.mark.parametrize("name", ["manage.py", "gunicorn.conf.py", "shop/settings.py", "shop/wsgi.py", "Dockerfile"])
def test_what_is_no_ordinary_source_holds_nobody_up(tmp_path: Path, name: str, kind: str) -> None:
    write(tmp_path, {"manage.py": MANAGE, "shop/settings.py": "", "shop/__init__.py": ""})
    (tmp_path / name).unlink(missing_ok=True)
    ENDLESS[kind](tmp_path / name)
    try:
        found = find(Settings(), tmp_path)
    except ApplicationNotFound:
        assert name == "manage.py"
    else:
        assert found.target in ("shop.settings", "shop.wsgi:application")


@pytest.mark.parametrize("kind", ENDLESS)
@pytest.mark.parametrize("name", ["package.json", "app.py"])
def test_nothing_is_guessed_from_it_either(tmp_path: Path, name: str, kind: str) -> None:
    ENDLESS[kind](tmp_path / name)
    assert "Go to the folder of a Django project" in guess.remedy(tmp_path)


@pytest.mark.parametrize(
    ("package", "line"),
    [
        ('{"scripts": {"start": "x"}}', "npm start"),
        ('{"main": "server.js"}', "node server.js"),
        ('{"scripts": 1, "main": ["x"]}', "node index.js"),
        ('{"scripts": "start"}', "node index.js"),
    ],
)
def test_a_package_of_any_shape(tmp_path: Path, package: str, line: str) -> None:
    write(tmp_path, {"package.json": package})
    assert line in guess.remedy(tmp_path)


def test_names_are_found_however_deep_they_are(tmp_path: Path) -> None:
    branches = "".join(f"elif x == {n}:\n    y{n} = 1\n" for n in range(900))
    write(tmp_path, {"app.py": f"if x:\n    pass\n{branches}else:\n    application = 1\n"})
    assert isinstance(source.tree(tmp_path / "app.py"), ast.Module)
    assert source.defines(tmp_path / "app.py", "application")
    assert source.defines(tmp_path / "app.py", "y899")
    assert not source.defines(tmp_path / "app.py", "app")


@pytest.mark.skipif(os.geteuid() != 0, reason="it is about root")
def test_root_reads_no_more_than_the_owner_could(open_folder: Path, stranger: pwd.struct_passwd) -> None:
    secret = open_folder / "secret.py"
    secret.write_text('wsgi_app = "hidden:app"\n')
    secret.chmod(0o600)
    project = open_folder / "site"
    project.mkdir()
    (project / "gunicorn.conf.py").symlink_to(secret)
    for path in (project, project / "gunicorn.conf.py"):
        os.chown(path, stranger.pw_uid, stranger.pw_gid, follow_symlinks=False)
    assert "hidden" not in guess.remedy(project)
    secret.chmod(0o644)
    assert "hidden" in guess.remedy(project)
