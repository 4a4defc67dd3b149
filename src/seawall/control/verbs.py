"""What an operator may ask of a running site, each verb answering over the control socket."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any, Literal

from seawall import members
from seawall.control.api import Verb
from seawall.control.journal import Entry
from seawall.control.metrics import Meter
from seawall.control.processes import Server
from seawall.control.reload import Changes
from seawall.control.state import State
from seawall.control.status import status
from seawall.errors import UnknownServer
from seawall.model import Event

Answers = AsyncIterator[dict[str, Any]]


def table(operator: "Operator") -> dict[str, Verb]:
    """Verb → what answers it."""
    return {
        "status": operator.status,
        "events": operator.events,
        "set": operator.changes.set,
        "saved": operator.changes.saved,
        "reload": operator.changes.reload,
        "drain": operator.drain,
        "restart": operator.restart,
        "kill": operator.kill,
        "stop": operator.stop,
        "leave": operator.leave,
    }


class Operator:
    """The verbs, on one site."""

    def __init__(
        self, state: State, meter: Meter, end: Callable[[Literal["stop", "force", "leave"]], None], changes: Changes
    ) -> None:
        self._state, self._meter, self._end, self.changes = state, meter, end, changes

    async def status(self) -> Answers:
        yield status(self._state, self._meter, self.changes.progress)

    async def events(self, follow: bool = False, number: int = 20) -> Answers:
        queue: asyncio.Queue[Entry] = asyncio.Queue()
        end = self._state.journal.follow(queue.put_nowait) if follow else None
        try:
            for entry in list(self._state.journal.recent)[-number:] if number else ():
                yield entry
            while follow:
                yield await queue.get()
        finally:
            if end:
                end()

    async def drain(self, server: str) -> Answers:
        self._server(server)
        site = self._state.site
        self._state.site = replace(site, drain=site.drain | {server})
        self._done("drain", server, f"an operator asked to drain {server}")
        yield {"drain": server}

    async def restart(self, server: str) -> Answers:
        state = self._state
        names = state.processes.servers.keys() if server == "all" else {self._server(server).name}
        if server == "all":
            # All of it anew means the application's code too: it is imported first, and until that has succeeded the
            # present servers go on, and new ones come from the present code.
            state.site = replace(state.site, generation=state.site.generation + 1)
        else:
            state.site = replace(state.site, restart=state.site.restart | frozenset(names))
        self._done("restart", server, f"an operator asked to restart {server}")
        yield {"restart": sorted(names)}

    async def kill(self, server: str) -> Answers:
        found = self._server(server)
        self._done("kill", server, f"an operator killed {server}")
        if found.process and not found.exited:
            found.process.signal(signal.SIGKILL)
            for process in members.kill(members.of_process(self._state.paths.mark, "server", server, found.process)):
                process.close()
        yield {"kill": server}

    async def stop(self, now: bool = False) -> Answers:
        """End the site; asked again, it goes on ending in good order, unless `now` is said."""
        how = "at once" if now else "in good order"
        self._done("stop", "site", f"an operator asked to stop the site {how}")
        self._end("force" if now else "stop")
        yield {"stop": os.getpid()}

    async def leave(self) -> Answers:
        """End the control plane only; what runs goes on, for the next one to adopt."""
        self._done("leave", "control", "another control plane is to take the place of this one")
        self._end("leave")
        yield {"leave": os.getpid()}

    def _server(self, name: str) -> Server:
        servers = self._state.processes.servers
        if name not in servers:
            there = ", ".join(servers) or "none"
            raise UnknownServer(f"There is no server {name}.", f"There are: {there}. Look at: seawall status")
        return servers[name]

    def _done(self, kind: str, subject: str, text: str) -> None:
        self._state.journal.event(Event(kind, subject, text))
        self._state.wake()
