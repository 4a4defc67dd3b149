"""What `seawall doctor` says of servers and their limits: of the running site, and of seawall.toml if that differs."""

from collections.abc import Mapping
from typing import Any

from seawall.cli.machine import Note
from seawall.cli.show import asleep, megabytes, not_enforced
from seawall.config import CONCURRENCY, Settings, size_in_bytes
from seawall.control import client
from seawall.control.most import most
from seawall.errors import NoSite, SeawallError
from seawall.fleet.application import Application, find
from seawall.fleet.groups import Groups, Limits, name
from seawall.paths import Paths

Told = Mapping[str, Any] | SeawallError | None
"""The status of the running site; why nobody knows it; or None where no site runs."""

PLACES = "requests at a time in each server"


def ask(paths: Paths) -> Told:
    try:
        return client.ask(paths, "status")
    except NoSite:
        return None
    except SeawallError as error:
        return error


def _known(told: Told, key: str) -> Mapping[str, Any] | None:
    """The status of the running site, if it has `key`: an older control plane may not. Raises Note."""
    if isinstance(told, SeawallError):
        raise Note(f"Not known: {told.problem}", told.remedy)
    return told if told and key in told else None


def _application(settings: Settings, paths: Paths) -> Application | None:
    try:
        return find(settings, paths.project)
    except SeawallError:  # it has a line of its own
        return None


def servers(settings: Settings, paths: Paths, told: Told) -> str:
    state, least, largest, why = _known(told, "max"), settings.servers.min, settings.servers.max, ""
    if not largest and (found := _application(settings, paths)):
        default = most(least, found.kind)
        largest, why = default.servers, f" ({default.why}; servers.max names another number)"
    file = f"{least} to {largest}"
    if state is None:
        if not largest:
            raise Note("Not examined: there is no application to run.")
        return f"{file}, as the load needs them{why}"
    if largest != state["max"]:
        why = ""
    now = f"{state['min']} to {state['max']}"
    return _both(f"{now}, as the load needs them{why}", file if largest and now != file else "")


def concurrency(settings: Settings, paths: Paths, told: Told) -> str:
    """How many requests each server works on at a time, and why so many."""
    state, found = _known(told, "concurrency"), _application(settings, paths)
    if found is None:
        if state is None:
            raise Note("Not known: there is no application to run.")
        return f"{state['concurrency']} {PLACES}"
    why = CONCURRENCY["wsgi" if found.kind == "django" else found.kind][1]
    if state and state["concurrency"] != found.concurrency:
        of_file = "" if settings.servers.concurrency else f" ({why})"
        return _both(f"{state['concurrency']} {PLACES}", f"{found.concurrency}{of_file}")
    if settings.servers.concurrency:
        return f"{found.concurrency} {PLACES}, as seawall.toml says"
    return f"{found.concurrency} {PLACES} ({why}); another number: servers.concurrency"


def limits(settings: Settings, paths: Paths, told: Told) -> str:
    """What a server may take of the machine, and whether that is enforced here."""
    file = Limits(settings.servers.cpu, size_in_bytes(settings.servers.memory))
    if state := _known(told, "limits"):
        now, missing, remedy = state["limits"], state["limits"]["missing"], state["limits"].get("remedy", "")
        places = state["limits"].get("places", [])
    else:
        groups = Groups(name(paths))
        groups.find(file, {})
        now, missing, remedy, places = vars(file), groups.why_not(), groups.remedy, groups.places
    if missing:
        raise Note(not_enforced(missing), remedy)
    words = _limits(now["cpu"], now["memory"])
    differs = file != Limits(now["cpu"], now["memory"])
    enforced = f", enforced by control groups in {' and '.join(places)}" if words and places else ""
    none = "none are set: servers.cpu, servers.memory"
    return _both(f"{words}{enforced}" if words else none, _limits(file.cpu, file.memory) or "none" if differs else "")


def _limits(cpu: float | None, memory: int | None) -> str:
    """`0.5 processors and 256 MB for each server`; "" where there are none."""
    words = [f"{cpu:g} processors"] if cpu is not None else []
    words += [megabytes(memory)] if memory is not None else []
    return f"{' and '.join(words)} for each server" if words else ""


def sleep(settings: Settings, paths: Paths, told: Told) -> str:
    """Whether it sleeps, where it may."""
    state = _known(told, "min")
    if state and (sleeps := asleep(state)):
        return sleeps
    least = state["min"] if state else settings.servers.min
    said = f"it does not: servers.min = {least}" if least else "as servers.min = 0, it does when nobody comes"
    return _both(said, f"servers.min = {settings.servers.min}" if least != settings.servers.min else "")


def _both(now: str, file: str) -> str:
    return f"{now}; by seawall.toml: {file}" if file else now
