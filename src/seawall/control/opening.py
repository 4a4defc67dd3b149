"""Opens a site: adopts what an earlier control plane left running, and makes what is missing."""

import asyncio
import signal
from collections.abc import Mapping
from typing import Any

from seawall import files, members
from seawall.config.effects import flat
from seawall.control import limits
from seawall.control.act.actor import Actor
from seawall.control.inherit import inherit
from seawall.control.processes import Balancer
from seawall.control.state import State
from seawall.control.strangers import end_strangers
from seawall.control.wanted import Wanted
from seawall.errors import AlreadyRunning, PortTaken, RecordUnusable
from seawall.fleet import server as fleet_server
from seawall.fleet.application import root_note
from seawall.haproxy.listeners import Listeners
from seawall.haproxy.process import version
from seawall.model import BALANCERS, BalancerName, Event
from seawall.process import Process
from seawall.sites import run_by_another

ANSWER = 1.0  # s an adopted balancer may take to answer before it is looked at more closely
END = 5.0  # s a killed process may take to be gone


async def open_site(state: State, actor: Actor) -> bool:
    """After this everything that runs is watched, and the listening sockets are there. Raises SeawallError.

    Returns whether seawall.toml has changed since what runs was started.
    """
    version()
    if note := root_note(state.wanted.application, state.paths.project):
        state.say(Event("note", "application", note))
    state.wants_warm = state.wanted.application.kind != "command"
    await _end_unfinished(state)
    if state.record.found:
        await end_strangers(state)
    _require_whole(state)
    before = state.processes.running
    hung = await _hung(state)
    state.listeners = _listeners(state)
    changed = _settings(state, adopting=bool(before))
    limits.put(state)
    # Only now, as their listening sockets hold visitors that a new balancer will serve.
    await _end(hung)
    _remove_stale_sockets(state)
    for balancer in state.processes.balancers.values():
        actor.balancers.watch(balancer)
    for server in state.processes.servers.values():
        if not server.ready and state.paths.server_socket(server.name).exists():
            # Also of a command whose socket was taken there by a control plane that was killed right after.
            server.address = fleet_server.address(state.paths, server.name)
        actor.servers.watch(server)
        if not server.ready:
            actor.servers.tasks.start(actor.servers.wait_until_ready(server))
    for warm in state.processes.warms.values():
        actor.warms.watch(warm)
    if before:
        found = f"{len(state.processes.servers)} servers and {len(state.processes.balancers)} balancers"
        state.say(Event("adopt", "site", f"an earlier control plane left {found} running: adopted"))
    return changed


def _settings(state: State, adopting: bool) -> bool:
    if adopting:
        return inherit(state)
    state.record.settings, state.record.orders, state.record.file = {}, {}, flat(state.wanted.file)
    return False


def _require_whole(state: State) -> None:
    """A site that runs without a record must not be started a second time over its own sockets."""
    known = {process.pid for process in state.processes.running}
    belonging = [] if known else members.of_site(state.paths.mark)
    if belonging:
        state.adopted = True  # whatever it is, it is not ours to end
        raise RecordUnusable(
            f"{len(belonging)} processes of this site run, but the record of them is gone: "
            f"{', '.join(members.describe(member.pid) for member in belonging[:5])}.",
            "End them: seawall down      Then start the site again: seawall up",
        )


async def _end_unfinished(state: State) -> None:
    """Processes that an earlier control plane was about to start: if they came to be, nobody knows what they do."""
    trials = [warm for warm in state.processes.warms.values() if warm.trial and warm.process]
    for managed in (*state.processes.unfinished, *trials):
        belonging = members.of_process(state.paths.mark, managed.kind, managed.name, managed.process)
        await _end(members.kill(belonging))
        state.processes.forget(managed)


async def _hung(state: State) -> list[Process]:
    """The balancers that do not answer. One that finishes its visitors' requests is silent by design."""
    hung = []
    for name, balancer in state.processes.balancers.items():
        if name in state.record.memory.retiring or balancer.process is None:
            continue
        if await _answers(balancer):
            balancer.answering = True
        else:
            hung.append(balancer.process)
    return hung


async def _answers(balancer: Balancer) -> bool:
    """Whether it answers; one that is starved gets more time than one that is stopped."""
    assert balancer.process is not None
    for _ in range(5):
        if await balancer.socket.heartbeat(ANSWER):
            return True
        if balancer.process.stopped:
            return False
    return False


async def _end(processes: list[Process]) -> None:
    """SIGKILL, and wait until they are gone."""
    for process in processes:
        process.signal(signal.SIGKILL)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + END
    while any(process.alive for process in processes) and loop.time() < deadline:
        await asyncio.sleep(0.01)


def _listeners(state: State) -> Listeners:
    wanted, listened = state.wanted, state.record.listeners
    processes = {
        name: balancer.process
        for name in BALANCERS
        if (balancer := state.processes.balancers.get(name)) and balancer.process and balancer.process.alive
    }
    if not processes or not listened:
        try:
            return Listeners.open(wanted.address, wanted.ports)
        except PortTaken as error:
            raise run_by_another(state.paths.project) or error from None
    require_same_place(listened, wanted)
    listeners = Listeners.from_record(listened, processes)
    _restart_unrecovered(state, listeners, processes)
    return listeners


def require_same_place(listened: Mapping[str, Any], wanted: Wanted) -> None:
    """A running site stays where its visitors are. Raises AlreadyRunning."""
    if (listened["address"], listened["ports"]) != (wanted.address, wanted.ports):
        ports = " and ".join(str(port) for port in listened["ports"].values())
        raise AlreadyRunning(
            f"The site is served at {listened['address']}, port {ports}, and seawall.toml names another place.",
            "Go back to that under [listen], or stop the site first: seawall down",
        )


def _restart_unrecovered(state: State, listeners: Listeners, processes: dict[BalancerName, Process]) -> None:
    """The kernel can be steered only by who holds a socket: the spare carries no traffic and starts anew on ours.

    Unless it finishes its visitors' requests: then it has closed its sockets, and starts anew when it has ended.
    """
    retiring = state.record.memory.retiring
    spare = next((name for name in processes if name != listeners.active and name not in retiring), None)
    if spare and not listeners.recovered(spare):
        processes[spare].signal(signal.SIGKILL)


def _remove_stale_sockets(state: State) -> None:
    known = {*state.processes.servers, *state.processes.warms}
    warms = state.paths.warm_sockets()
    for socket in (*state.paths.sockets.iterdir(), *state.paths.offered.iterdir(), *warms):
        if socket.stem not in known:
            try:
                files.remove(socket)
            except OSError as error:
                state.say(Event("note", "site", f"{socket} is in the way and cannot be removed: {error.strerror}"))
