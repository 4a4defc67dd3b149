"""Opens a site: adopts what an earlier control plane left running, and makes what is missing."""

import signal
from typing import TYPE_CHECKING

from seawall.control.observe import wait_until_ready
from seawall.control.verbs import with_settings
from seawall.errors import AlreadyRunning
from seawall.haproxy.listeners import Listeners
from seawall.haproxy.process import version
from seawall.model import BalancerName, Event

if TYPE_CHECKING:
    from seawall.control.loop import Control


async def open_site(control: "Control") -> None:
    """After this everything that runs is watched, and the listening sockets are there."""
    version()
    running, actor = control.running, control.actor
    living = await _living_balancers(control)
    running.listeners = _listeners(control, living)
    running.wants_warm = control.wanted.application.kind != "command"
    _remove_stale_sockets(control)
    for balancer in running.balancers.values():
        actor.watch_balancer(balancer)
    for server in running.servers.values():
        actor.watch_server(server)
        if not server.ready:
            control.tasks.start(wait_until_ready(server, control.wake))
    if running.warm:
        actor.watch_warm(running.warm)
    if running.processes:
        control.site = with_settings(control.site, running.settings)
        found = f"{len(running.servers)} servers and {len(living)} balancers"
        control.journal.event(Event("adopt", "site", f"an earlier control plane left {found} running: adopted"))
    else:
        running.settings = {}


async def _living_balancers(control: "Control") -> list[BalancerName]:
    """The balancers that answer. One that hangs is ended: the kernel then gives its visitors to the other."""
    living: list[BalancerName] = []
    for name, balancer in control.running.balancers.items():
        if balancer.process is None:
            continue
        if await balancer.socket.heartbeat(1.0):
            living.append(name)
            balancer.answering = True
        else:
            balancer.process.signal(signal.SIGKILL)
    return living


def _listeners(control: "Control", living: list[BalancerName]) -> Listeners:
    wanted, running = control.wanted, control.running
    if not living or not running.listened:
        return Listeners.open(wanted.address, wanted.ports)
    before = (running.listened["address"], running.listened["ports"])
    if before != (wanted.address, wanted.ports):
        raise AlreadyRunning(
            f"The site is being served at {before}, and the settings in section listen have changed.",
            "Stop it first: seawall down",
        )
    processes = {name: process for name in living if (process := running.balancers[name].process)}
    listeners = Listeners.from_record(running.listened, processes)
    spare = next((name for name in living if name != listeners.active), None)
    if spare and not listeners.recovered(spare):
        # The kernel can be steered only by who holds a socket: the spare, whom nobody would miss, starts anew on ours.
        processes[spare].signal(signal.SIGKILL)
    return listeners


def _remove_stale_sockets(control: "Control") -> None:
    known = {control.paths.server_socket(name) for name in control.running.servers}
    for socket in control.paths.sockets.glob("*.sock"):
        if socket not in known:
            socket.unlink()
