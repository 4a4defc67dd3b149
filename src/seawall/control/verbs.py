"""What an operator may ask of a running site, each verb answering over the control socket."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from seawall.config import live_setting
from seawall.control.api import Verb
from seawall.control.journal import Entry
from seawall.control.running import Server, kill_group
from seawall.control.status import status
from seawall.errors import UnknownServer
from seawall.model import Event, Site

if TYPE_CHECKING:
    from seawall.control.loop import Control

# What `seawall set` may change on a running site, and where decisions find it.
LIVE_FIELDS = {"balancer.strategy": "strategy", "servers.min": "servers"}

Answers = AsyncIterator[dict[str, Any]]


def table(control: "Control") -> dict[str, Verb]:
    """Verb → what answers it."""
    operator = Operator(control)
    return {
        "status": operator.status,
        "events": operator.events,
        "set": operator.set,
        "drain": operator.drain,
        "restart": operator.restart,
        "kill": operator.kill,
        "stop": operator.stop,
    }


def with_settings(site: Site, settings: dict[str, str]) -> Site:
    """The site with what `seawall set` has changed on it."""
    for key, text in settings.items():
        value: Any = live_setting(key, text)
        site = replace(site, **{LIVE_FIELDS[key]: value})
    return site


class Operator:
    """The verbs, on one site."""

    def __init__(self, control: "Control") -> None:
        self._control = control

    async def status(self) -> Answers:
        yield status(self._control)

    async def events(self, follow: bool = False, number: int = 20) -> Answers:
        queue: asyncio.Queue[Entry] = asyncio.Queue()
        end = self._control.journal.follow(queue.put_nowait) if follow else None
        try:
            for entry in list(self._control.journal.recent)[-number:]:
                yield entry
            while follow:
                yield await queue.get()
        finally:
            if end:
                end()

    async def set(self, key: str, value: str) -> Answers:
        control = self._control
        site = with_settings(control.site, {key: value})
        control.running.settings = {**control.running.settings, key: value}
        control.site = site
        self._done("set", key, f"an operator set {key} to {value}")
        yield {"set": key, "value": value}

    async def drain(self, server: str) -> Answers:
        self._server(server)
        site = self._control.site
        self._control.site = replace(site, drain=site.drain | {server})
        self._done("drain", server, f"an operator asked to drain {server}")
        yield {"drain": server}

    async def restart(self, server: str) -> Answers:
        names = self._control.running.servers.keys() if server == "all" else {self._server(server).name}
        if server == "all" and (warm := self._control.running.warm):
            # All of it anew means the application's code too: it is imported again before anything is replaced.
            warm.ready = False
            kill_group(warm.process)
        site = self._control.site
        self._control.site = replace(site, restart=site.restart | frozenset(names))
        self._done("restart", server, f"an operator asked to restart {server}")
        yield {"restart": sorted(names)}

    async def kill(self, server: str) -> Answers:
        found = self._server(server)
        self._done("kill", server, f"an operator killed {server}")
        if found.process:
            kill_group(found.process)
        yield {"kill": server}

    async def stop(self) -> Answers:
        self._done("stop", "site", "an operator asked to stop the site")
        self._control.stop()
        yield {"stop": os.getpid()}

    def _server(self, name: str) -> Server:
        servers = self._control.running.servers
        if name not in servers:
            there = ", ".join(servers) or "none"
            raise UnknownServer(f"There is no server {name}.", f"There are: {there}. Look at: seawall status")
        return servers[name]

    def _done(self, kind: str, subject: str, text: str) -> None:
        self._control.journal.event(Event(kind, subject, text))
        self._control.wake()
