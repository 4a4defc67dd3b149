"""Another user of this machine, made for the tests, and commands run as that user."""

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import pytest

import seawall

PYTHON = Path("/usr/bin/python3")  # the one of the tests may be in root's home
PACKAGES = f"{Path(seawall.__file__).parents[1]}:{Path(click.__file__).parents[1]}"


@contextmanager
def another_user() -> Iterator[pwd.struct_passwd]:
    """With a home, and with a second group of the same name and `-db`. Skips the test where that cannot be."""
    if os.geteuid() != 0:
        pytest.skip("only root can make another user")
    if not (shutil.which("useradd") and shutil.which("setpriv")):
        pytest.skip("useradd or setpriv is not installed")
    name = f"swtest{os.getpid()}"
    _run("groupadd", f"{name}-db")
    _run("useradd", "--create-home", "--shell", "/bin/sh", "--groups", f"{name}-db", name)
    try:
        yield pwd.getpwnam(name)
    finally:
        _run("userdel", "--remove", name)
        _run("groupdel", f"{name}-db")


def _run(*command: str) -> None:
    """Others may be changing the same files: then they are locked for a moment."""
    for _ in range(20):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0 or "mail spool" in done.stderr:
            return
        time.sleep(0.3)
    raise AssertionError(f"{command}: {done.stderr}")


def command(user: pwd.struct_passwd, *words: str | Path) -> list[str]:
    """`words` as a command line that runs as the user, as after a login."""
    become = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--init-groups"]
    environment = [f"HOME={user.pw_dir}", f"USER={user.pw_name}", "PATH=/usr/bin:/bin", f"PYTHONPATH={PACKAGES}"]
    return [*become, "env", "-i", *environment, *map(str, words)]


def run(user: pwd.struct_passwd, *words: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command as the user, 60 s at most."""
    options = {"capture_output": True, "text": True, "timeout": 60, "stdin": subprocess.DEVNULL, **options}
    return subprocess.run(command(user, *words), check=False, **options)


def seawall_command(project: Path, *words: str) -> tuple[str | Path, ...]:
    return (PYTHON, "-m", "seawall", "-C", project, *words)


def give(folder: Path, user: pwd.struct_passwd) -> None:
    """Make everything in the folder the user's."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
