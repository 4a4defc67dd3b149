"""The limits of what servers may take of the machine: those of the settings, for what runs and for what is to come."""

from seawall.control.state import State


def find(state: State) -> None:
    """Where control groups of the site are, and are to be: on record before they are made."""
    state.groups.find(state.wanted.limits, state.record.groups)
    state.record.groups = {controller: str(folder) for controller, folder in state.groups.folders.items()}
    state.processes.changed()


def put(state: State) -> None:
    """Put what runs under the limits of the settings, and lift those that are no longer wanted."""
    find(state)
    state.groups.tidy(state.processes.servers)
    for server in state.processes.servers.values():
        if server.process:
            state.groups.make(server.name)
            state.groups.enter(server.name, server.process)
    note(state)


def about(state: State, server: str) -> None:
    """Make the group of a server that is about to be started."""
    state.groups.make(server)
    note(state)


def note(state: State) -> None:
    """Say what is not enforced; the site serves all the same."""
    if missing := state.groups.why_not():
        state.troubles.note("limits", missing)
    else:
        state.troubles.over("limits")
