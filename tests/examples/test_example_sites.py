"""The example sites: the flights site's own tests, and what every example must keep to."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from seawall.config import load

EXAMPLES = Path(__file__).parents[2] / "examples"


def manage(folder: Path, *arguments: str) -> None:
    """Run the flights site's manage.py with a database in `folder`; fail with what it says."""
    environment = os.environ | {"FLIGHTS_DATABASE": str(folder / "flights.sqlite3"), "DJANGO_SECRET_KEY": "for tests"}
    command = [sys.executable, "-W", "error", "manage.py", *arguments]
    site = EXAMPLES / "flights"
    run = subprocess.run(command, cwd=site, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_flights_passes_its_own_tests(tmp_path: Path) -> None:
    manage(tmp_path, "test", "--no-input")


def test_flights_has_no_forgotten_migration(tmp_path: Path) -> None:
    manage(tmp_path, "makemigrations", "--check", "--dry-run")


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*/seawall.toml")), ids=lambda path: path.parent.name)
def test_settings_are_valid(path: Path) -> None:
    load(path)


def test_express_lockfile_names_no_registry() -> None:
    lock = json.loads((EXAMPLES / "express" / "package-lock.json").read_text())
    packages = [package for name, package in lock["packages"].items() if name]
    assert packages
    assert all("resolved" not in package and package["integrity"] for package in packages)
