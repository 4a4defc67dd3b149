"""What has never served and keeps dying is a mistake to show, not a fault to survive."""

from seawall.control.state import State
from seawall.errors import ApplicationFailed, EngineFailed, SeawallError
from seawall.fleet import warm as fleet_warm
from seawall.haproxy import process as haproxy

SERVERS = 2  # that die before any has answered
BALANCERS = 2  # attempts at one that die young


def reason_to_give_up(state: State) -> SeawallError | None:
    """Why a site that is being started for the first time cannot be, or None."""
    if state.open or state.adopted:
        return None
    memory = state.record.memory
    if not memory.opened and memory.deaths >= SERVERS:
        return does_not_start(state)
    for name, deaths in memory.balancer_deaths.items():
        if deaths >= BALANCERS:
            return EngineFailed(
                f"HAProxy does not start (balancer {name}).",
                f"Its configuration is {state.paths.balancer_config(name)}.",
                haproxy.why_not(state.paths, "a" if name == "a" else "b"),
            )
    return None


def does_not_start(state: State) -> ApplicationFailed:
    """What to say of an application whose servers die before they have answered."""
    died = [entry["text"] for entry in state.journal.recent if entry["kind"] == "forget-server"]
    remedy = f"What it printed is in {state.paths.logs}."
    if state.wanted.application.kind == "command":
        remedy = f"A command must listen on the port {{port}} or on the unix socket {{socket}}. {remedy}"
    output = fleet_warm.last_output(state.paths)
    return ApplicationFailed(f"The application does not start: {died[-1]}.", remedy, output)
