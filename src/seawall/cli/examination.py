"""Everything `seawall doctor` looks at, in order: first the machine, then the site."""

from collections.abc import Callable, Iterator
from pathlib import Path

from seawall.cli import machine, running, site
from seawall.cli.findings import Finding
from seawall.config import Settings, load
from seawall.errors import ConfigError, SeawallError
from seawall.paths import Paths, locate

MACHINE: dict[str, Callable[[], str]] = {
    "Python": machine.python,
    "HAProxy": machine.haproxy,
    "HAProxy's user": machine.haproxy_user,
    "open files": machine.open_files,
    "shared listening": machine.shared_listening,
    "process handles": machine.process_handles,
    "clock": machine.clock,
    "reader of packs": machine.reader_of_packs,
}

SITE: dict[str, Callable[[Settings, Paths], str]] = {
    "what runs": site.running,
    "ports": site.ports,
    "state folder": site.state_folder,
    "runtime folder": site.runtime_folder,
    "certificate": site.certificate,
    "trust": site.trust,
    "application": site.application,
    "interpreter": site.interpreter,
}

RUNNING: dict[str, Callable[[Settings, Paths, running.Told], str]] = {
    "servers": running.servers,
    "concurrency": running.concurrency,
    "limits": running.limits,
    "sleep": running.sleep,
}


def examine(project: Path) -> list[Finding]:
    """All findings. A site whose settings are wrong is not looked at further."""
    paths = locate(project)
    return [_look(subject, check) for subject, check in MACHINE.items()] + list(_examine_site(paths))


def _examine_site(paths: Paths) -> Iterator[Finding]:
    try:
        settings = load(paths.settings)
    except ConfigError as error:
        yield Finding("settings", "missing", f"{error.problem}\n{error.detail}".strip(), error.remedy)
        return
    yield Finding("settings", "ok", str(paths.settings) if paths.settings.exists() else "defaults: no seawall.toml")
    for subject, check in SITE.items():
        yield _look(subject, lambda check=check: check(settings, paths))  # type: ignore[misc]
    told = running.ask(paths)
    for subject, compare in RUNNING.items():
        yield _look(subject, lambda compare=compare: compare(settings, paths, told))  # type: ignore[misc]


def _look(subject: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(subject, "ok", check())
    except machine.Note as note:
        return Finding(subject, "note", note.problem, note.remedy)
    except SeawallError as error:
        return Finding(subject, "missing", "\n".join(filter(None, (error.problem, error.detail))), error.remedy)
