"""Keeps the files of a running site in order: folders that were removed, sockets that are gone, logs that grow."""

import asyncio
from pathlib import Path

from seawall import files
from seawall.control import limits
from seawall.control.api import Api
from seawall.control.knocks import Knocks
from seawall.control.lock import Lock
from seawall.control.state import State
from seawall.control.troubles import Troubles
from seawall.errors import AlreadyRunning, SeawallError
from seawall.model import Event
from seawall.paths import MARK, Paths, bound_logs, create

EVERY = 2.0  # s


class Upkeep:
    """Looks every few seconds."""

    def __init__(self, state: State, api: Api, knocks: Knocks, lock: Lock) -> None:
        self._state, self._api, self._knocks, self._lock = state, api, knocks, lock
        self._kept: dict[Path, bytes] = {}
        self.remember()

    def remember(self) -> None:
        """What cannot be made again as it was: HAProxy's certificate, and the mark that everything here carries."""
        kept = (self._state.paths.certificate, self._state.paths.state / MARK)
        self._kept = {path: path.read_bytes() for path in kept if path.is_file()}

    async def run(self) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self._look()
            except AlreadyRunning as error:
                # Somebody has taken the site over meanwhile: two that steer it would undo each other's work.
                self._state.fail(error)
            except (SeawallError, OSError) as error:
                remedy = getattr(error, "remedy", "")
                self._state.troubles.note("folders", f"{error} {remedy}".strip())
            else:
                self._state.troubles.over("folders")

    async def _look(self) -> None:
        state = self._state
        made = create(state.paths)
        for path, content in self._kept.items():
            if not path.is_file() or path.read_bytes() != content:
                files.replace(path, content)
                made.append(path)
        self._lock.renew()
        if made or not state.paths.control_socket.exists():
            text = f"{state.paths.runtime} was cleaned while the site runs; what was in it is made again"
            state.say(Event("folders", "site", text))
            await self._api.restart()
        if not self._knocks.path.exists():
            self._knocks.listen()
        _bound_logs(state.paths, state.troubles)
        state.groups.tidy(state.processes.servers)
        limits.note(state)
        state.usage.look(state.processes.servers, asyncio.get_running_loop().time())
        for balancer in state.processes.balancers.values():
            if balancer.alive and balancer.answering and not balancer.socket.path.exists():
                # The sockets inside it are gone as well: one like it has to take its place.
                balancer.edge = ""
                state.wake()


def _bound_logs(paths: Paths, troubles: Troubles) -> None:
    wrong = "; ".join(bound_logs(paths))
    if wrong:
        troubles.note("logs", wrong)
    else:
        troubles.over("logs")
