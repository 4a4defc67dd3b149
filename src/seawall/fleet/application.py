"""Finds the application: a Django project by its `manage.py`, anything else by what seawall.toml says."""

import os
import pwd
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from seawall.config import Settings
from seawall.errors import ApplicationNotFound, ConfigError
from seawall.fleet import django, guess

Kind = Literal["django", "wsgi", "asgi", "command"]


@dataclass(frozen=True)
class Application:
    """What a server runs, and how. Equal values start equal servers."""

    kind: Kind
    target: str  # settings module, `module:object`, or command line
    folder: Path  # working folder, and first on the application's import path
    python: Path  # interpreter; unused for a command
    environment: Mapping[str, str] = field(repr=False)  # all of it; may hold secrets
    user: tuple[int, int] | None  # (uid, gid) to run as; None: as we do
    concurrency: int  # requests one server works on at a time
    warm_path: str = "/"  # asked for once before the first fork; "" for nothing
    warm_timeout: float = 10.0  # s that request may take
    hosts: tuple[str, ...] = ("localhost",)  # under which people reach the site, most usual first
    stop_timeout: float = 30.0  # s requests in flight get when a server is told to stop


def find(settings: Settings, project: Path) -> Application:
    """The application of the project folder. Raises ApplicationNotFound, or ConfigError for a wrong python or user."""
    account = _account(settings, project)
    environment = {**_surroundings(account), **settings.environment}
    kind, target, folder = _kind(settings, project, environment)
    python = _python(settings, project, folder)
    if (python.parent.parent / "pyvenv.cfg").is_file():  # as if the virtual environment were activated
        environment["PATH"] = f"{python.parent}{os.pathsep}{environment.get('PATH', os.defpath)}"
    return Application(
        kind=kind,
        target=target,
        folder=folder,
        python=python,
        environment=environment,
        user=(account.pw_uid, account.pw_gid) if account else None,
        concurrency=settings.concurrency("wsgi" if kind == "django" else kind),
        warm_path=settings.warm_path,
        warm_timeout=settings.warm_timeout,
        hosts=tuple(f"[{host}]" if ":" in host else host for host in settings.https.domains) or ("localhost",),
        stop_timeout=settings.servers.stop_timeout,
    )


def _kind(settings: Settings, project: Path, environment: Mapping[str, str]) -> tuple[Kind, str, Path]:
    if settings.wsgi:
        return "wsgi", settings.wsgi, _import_folder(settings.wsgi, project)
    if settings.asgi:
        return "asgi", settings.asgi, _import_folder(settings.asgi, project)
    if settings.command:
        return "command", settings.command, project
    manage = django.find_manage(project)
    if manage is None:
        raise ApplicationNotFound(
            f"There is no application in {project}: no manage.py here or one folder below, "
            "and seawall.toml names no wsgi, asgi or command.",
            guess.remedy(project),
        )
    return "django", django.settings_module(manage, environment), manage.parent


def _import_folder(target: str, project: Path) -> Path:
    """Where the import path begins: the project, or the folder below it where a Django project or a package has it."""
    top = target.partition(":")[0].partition(".")[0]
    for folder in (project, project / "src", *(manage.parent for manage in sorted(project.glob("*/manage.py")))):
        if (folder / f"{top}.py").is_file() or (folder / top).is_dir():
            return folder
    return project


def _python(settings: Settings, project: Path, folder: Path) -> Path:
    """Not resolved: a virtual environment is recognised by the path its interpreter is started by."""
    if settings.python:
        chosen = project / Path(settings.python).expanduser()
        if not os.access(chosen, os.X_OK) or chosen.is_dir():
            raise ConfigError(
                f'python = "{settings.python}" is no program: {chosen} does not exist or cannot be run.',
                "Give the path of an interpreter, such as .venv/bin/python, or leave the setting out.",
            )
        return chosen
    places = [place / name for place in dict.fromkeys((project, folder)) for name in (".venv", "venv", "env")]
    places += [Path(active) for active in [os.environ.get("VIRTUAL_ENV", "")] if active]
    candidates = (place / "bin" / "python" for place in places)
    return next((python for python in candidates if os.access(python, os.X_OK)), Path(sys.executable))


def _account(settings: Settings, project: Path) -> pwd.struct_passwd | None:
    """Whom the application runs as where we are root: never root, unless root owns the project."""
    if os.geteuid() != 0:
        return None
    try:
        account = pwd.getpwnam(settings.user) if settings.user else pwd.getpwuid(project.stat().st_uid)
    except KeyError:
        who = settings.user or f"number {project.stat().st_uid}, who owns {project},"
        raise ConfigError(
            f"The user {who} does not exist on this machine.",
            'Name an existing one in seawall.toml: user = "www-data", or give the folder to one: chown -R USER .',
        ) from None
    return account if account.pw_uid != 0 else None


def _surroundings(account: pwd.struct_passwd | None) -> dict[str, str]:
    environment = dict(os.environ)
    if account:
        environment.update(HOME=account.pw_dir, USER=account.pw_name, LOGNAME=account.pw_name, SHELL=account.pw_shell)
    return environment
