"""Servers that fail the balancers' heartbeats: asks each of them itself, and judges whether it is busy or hangs."""

import asyncio

from seawall.control.inquiry import Inquiry
from seawall.control.processes import Server
from seawall.control.state import State
from seawall.control.tasks import Tasks
from seawall.fleet.server import heartbeat
from seawall.judge import SERVER
from seawall.model import Observed

AGAIN = 0.2  # s between two questions to one that answers us, but not the balancer


class Suspects:
    """One task for each server under suspicion, until it answers its balancer again or has ended."""

    def __init__(self, state: State, tasks: Tasks) -> None:
        self._state, self._tasks = state, tasks
        self._names: set[str] = set()  # of those that fail now
        self._followed: set[str] = set()

    def look(self, seen: Observed) -> None:
        """Take up those that fail the heartbeats of the active balancer, and let go of those that no longer do."""
        active = next((balancer for balancer in seen.balancers if balancer.name == seen.active), None)
        if active is None or active.routes is None:
            return
        self._names = {route.server for route in active.routes if route.status == "down"}
        for name in self._names - self._followed:
            server = self._state.processes.servers.get(name)
            if server and server.alive and server.ready:
                self._followed.add(name)
                self._tasks.start(self._follow(server))

    async def _follow(self, server: Server) -> None:
        assert server.process is not None
        inquiry = Inquiry(SERVER, server.process)
        try:
            while server.alive and server.name in self._names:
                await self._ask(server, inquiry)
                await asyncio.sleep(AGAIN)
        finally:
            inquiry.close()
            self._followed.discard(server.name)
            server.hung = ""

    async def _ask(self, server: Server, inquiry: Inquiry) -> None:
        """One question, and looks at the process until it is answered or there is a verdict."""
        asked = asyncio.get_running_loop().time()
        question = asyncio.create_task(heartbeat(server.address, timeout=None))
        try:
            async for verdict in inquiry.follow(lambda: None if question.done() else asked, question.done):
                if question.done() or not server.alive or server.name not in self._names:
                    break
                if verdict.hung:
                    server.hung = str(verdict)
                    self._state.wake()
        finally:
            question.cancel()
            await asyncio.gather(question, return_exceptions=True)
