"""A site as `wagtail start` makes it, nothing added, with one editor."""

import os
import subprocess
import sys
from pathlib import Path

EDITOR, PASSWORD = "eve", "correct horse battery"
# Only while the tables are made: some 300 migrations wait for the disk several times each.
HURRY = """
from .base import DATABASES
DATABASES["default"]["OPTIONS"] = {"init_command": "PRAGMA synchronous=OFF; PRAGMA journal_mode=OFF"}
"""


def make(folder: Path) -> Path:
    """The project, `mysite`, in a new folder."""
    folder.mkdir()
    _run(folder, str(Path(sys.executable).with_name("wagtail")), "start", "mysite", ".")
    local = folder / "mysite" / "settings" / "local.py"
    local.write_text(HURRY)
    _run(folder, sys.executable, "manage.py", "migrate")
    local.unlink()
    who = ("--no-input", f"--username={EDITOR}", "--email=eve@example.org")
    _run(folder, sys.executable, "manage.py", "createsuperuser", *who)
    return folder


def _run(folder: Path, *command: str) -> None:
    environment = {**os.environ, "DJANGO_SUPERUSER_PASSWORD": PASSWORD}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
