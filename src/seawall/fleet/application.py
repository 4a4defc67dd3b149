"""Finds the application: a Django project by its `manage.py`, anything else by what seawall.toml says."""

import os
import pwd
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, NamedTuple

from seawall import rights
from seawall.config import Settings, written
from seawall.errors import ApplicationNotFound, ConfigError, shell
from seawall.fleet import django, guess
from seawall.fleet.django import Project
from seawall.fleet.entry import Entry, Tree, choose

Kind = Literal["django", "wsgi", "asgi", "command"]
NAMED = "seawall.toml names it"
# What goes on from root's environment to another user's application. The rest may be root's secrets.
HANDED_ON = ("PATH", "LANG", "TZ", "TERM")  # and LC_*


@dataclass(frozen=True)
class Application:
    """What a server runs, and how. Equal values start equal servers."""

    kind: Kind
    target: str  # `module:object`, a settings module for a Django project without one, or a command line
    folder: Path  # working folder, and first on the application's import path
    python: Path  # interpreter; unused for a command
    environment: Mapping[str, str] = field(repr=False)  # all of it; may hold secrets
    user: tuple[int, int] | None  # (uid, gid) to run as; None: as we do
    concurrency: int  # requests one server works on at a time
    warm_path: str = "/"  # asked for once before the first fork; "" for nothing
    warm_timeout: float = 10.0  # s that request may take
    hosts: tuple[str, ...] = ("localhost",)  # under which people reach the site, most usual first
    stop_timeout: float = 30.0  # s requests in flight get when a server is told to stop
    project: Project | None = None  # where it is Django's: what the project says of its settings
    why: str = field(default="", compare=False)  # this target was chosen


class _Chosen(NamedTuple):
    kind: Kind
    target: str
    folder: Path
    project: Project | None
    why: str


def find(settings: Settings, project: Path) -> Application:
    """The application of the project folder. Raises ApplicationNotFound, or ConfigError for a wrong python or user."""
    account = _account(settings, project)
    environment = {**_surroundings(account), **settings.environment}
    chosen = _choose(settings, project, environment)
    python = _python(settings, project, chosen.folder)
    if (python.parent.parent / "pyvenv.cfg").is_file():  # as if the virtual environment were activated
        environment["PATH"] = f"{python.parent}{os.pathsep}{environment.get('PATH', os.defpath)}"
    if chosen.project:
        typed = django.typed(python, project, project / chosen.project.enters)
        chosen = chosen._replace(project=replace(chosen.project, python=typed))
    if os.geteuid() == 0 and account is None:
        _require_roots(project, chosen.folder, chosen.target, python)
    return Application(
        **chosen._asdict(),
        python=python,
        environment=environment,
        user=(account.pw_uid, account.pw_gid) if account else None,
        concurrency=settings.concurrency("wsgi" if chosen.kind == "django" else chosen.kind),
        warm_path=settings.warm_path,
        warm_timeout=settings.warm_timeout,
        hosts=tuple(f"[{host}]" if ":" in host else host for host in settings.https.domains) or ("localhost",),
        stop_timeout=settings.servers.stop_timeout,
    )


def _choose(settings: Settings, project: Path, environment: Mapping[str, str]) -> _Chosen:
    if settings.wsgi:
        return _named("wsgi", settings.wsgi, settings, project)
    if settings.asgi:
        return _named("asgi", settings.asgi, settings, project)
    if settings.command:
        return _Chosen("command", settings.command, project, None, NAMED)
    manage = django.find_manage(project)
    if manage is None:
        raise ApplicationNotFound(
            f"There is no application in {project}: no manage.py here or one folder below, "
            "and seawall.toml names no wsgi, asgi or command.",
            guess.remedy(project),
        )
    return _django(settings, django.tree(project, manage), environment)


def _named(kind: Kind, target: str, settings: Settings, project: Path) -> _Chosen:
    """An application that seawall.toml names; where it is Django's, with what its manage.py says."""
    folder = _import_folder(target, project)
    if not (folder / "manage.py").is_file():
        return _Chosen(kind, target, folder, None, NAMED)
    path, colon, name = target.partition("(")[0].partition(":")
    module = path if colon else path.rpartition(".")[0]
    tree = django.tree(project, folder / "manage.py")
    _, file = tree.find(module) or (None, None)
    entry = Entry(module, name, kind == "asgi", NAMED, folder, file)
    return _Chosen(kind, target, folder, django.describe(tree, entry, settings.environment), NAMED)


def _django(settings: Settings, tree: Tree, environment: Mapping[str, str]) -> _Chosen:
    entry = choose(tree)
    described = django.describe(tree, entry, settings.environment)
    if entry is None:
        module = django.settings_module(tree.home / "manage.py", environment)
        return _Chosen("django", module, tree.home, described, "the project has neither a wsgi.py nor an asgi.py")
    folder = entry.root if entry.root == tree.project else tree.home
    return _Chosen("asgi" if entry.asgi else "django", f"{entry.module}:{entry.name}", folder, described, entry.why)


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


def root_note(application: Application, project: Path) -> str:
    """What to say where the application itself runs as root, or ""."""
    if os.geteuid() != 0 or application.user:
        return ""
    return (
        f"the application runs as root, since {project} belongs to root: whoever breaks into it owns this machine. "
        'Make a user for it, and name it in seawall.toml, user = "…", or give it the folder: '
        f"chown -R USER {shell(project)}"
    )


def _account(settings: Settings, project: Path) -> pwd.struct_passwd | None:
    """Whom the application runs as where we are root: the folder's owner, or whom a trustworthy file names."""
    if os.geteuid() != 0:
        return None
    owner = project.stat().st_uid
    try:
        account = pwd.getpwnam(settings.user) if settings.user else pwd.getpwuid(owner)
    except KeyError:
        who = settings.user or f"number {project.stat().st_uid}, who owns {project},"
        raise ConfigError(
            f"The user {who} does not exist on this machine.",
            'Name an existing one in seawall.toml: user = "www-data", or give the folder to one: chown -R USER .',
        ) from None
    if settings.user:
        _require_author(settings.user, account.pw_uid, project)
    elif owner == rights.NOBODY:
        raise ConfigError(
            f"{project} belongs to nobody, which may be anybody, so root does not run what is in it.",
            f"Give it to a user of its own: chown -R USER {shell(project)}",
        )
    return account if account.pw_uid != 0 else None


def _require_author(user: str, uid: int, project: Path) -> None:
    """Only root may say that the application runs as somebody else than the author of seawall.toml."""
    author = written.author(project, ("user",), lambda value: value == user)
    if author in (0, uid):
        return
    file = project / written.FILE
    raise ConfigError(
        f'user = "{user}" is in {file}, which {rights.who(author)} can change: only root may name another user.',
        f"Leave the setting out, or make the file root's: chown root:root {shell(file)}; chmod 644 {shell(file)}",
    )


def _require_roots(project: Path, folder: Path, target: str, python: Path) -> None:
    """Root must not run what somebody else can change. Not every file is looked at: those that are run first are."""
    top = target.partition(":")[0].partition(".")[0]
    first = [project, project / written.FILE, folder, folder / "manage.py", folder / f"{top}.py", folder / top]
    first += [python] if python != Path(sys.executable) else []  # root runs that one already
    for path in first:
        if os.path.lexists(path) and (uid := rights.controller(path)):
            raise ConfigError(
                f"The application would run as root, but {path} can be changed by {rights.who(uid)}.",
                f"Make it root's: chown -R root:root {shell(project)}; chmod -R go-w {shell(project)}\n"
                'Or name in seawall.toml the user it is to run as: user = "…"',
            )


def _surroundings(account: pwd.struct_passwd | None) -> dict[str, str]:
    if account is None:
        return dict(os.environ)
    kept = {name: value for name, value in os.environ.items() if name in HANDED_ON or name.startswith("LC_")}
    own = {"HOME": account.pw_dir, "USER": account.pw_name, "LOGNAME": account.pw_name, "SHELL": account.pw_shell}
    return kept | own
