"""Ends what Seawall has started for a site and no record names: a control plane that could not write left it so."""

import os
import pwd

from seawall import members
from seawall.control.state import State
from seawall.control.stop import end
from seawall.members import Member
from seawall.model import Event
from seawall.process import owner

TITLE = "seawall "  # and the name: see fleet/inside/setup.py


async def end_strangers(state: State) -> None:
    """What applications have started themselves is left: a job may outlive its server until the site is stopped."""
    seen = members.everybody()
    adopted = members.of_leaders(state.processes.running, seen)
    leaders = members.adopted(member for member in seen if _is_stranger(state, member))
    belonging = [member for member in members.of_leaders(leaders, seen) if member not in adopted]
    for leader in leaders:
        leader.close()
    if not belonging:
        return
    words = ", ".join(members.describe(member.pid) for member in belonging[:5])
    ended = members.adopted(belonging)
    await end(ended)
    for process in ended:
        process.close()
    state.say(Event("note", "site", f"an earlier control plane left {len(belonging)} processes unknown: ended {words}"))


def _is_stranger(state: State, member: Member) -> bool:
    """Whether it is a process that we start ourselves, and not the one that its name stands for in the table."""
    site, mark = member.marks
    if site != state.paths.mark or owner(member.pid) not in _users(state):
        return False
    kind, _, name = mark.partition("/")
    # All that a command starts is the server as well, and ends with it.
    leads = member.pid == member.session or (kind == "server" and state.wanted.application.kind == "command")
    if kind == "warm" or (kind == "server" and state.wanted.application.kind != "command"):
        # The application's own processes are marked so, too; and servers as the warm process they come from.
        name = member.title.removeprefix(TITLE) if member.title.startswith(TITLE) else ""
    known = [one.process for one in state.processes if one.process and one.name == name]
    # What is younger than the one that we know may be what that one has started.
    return bool(name) and leads and all(member.started < one.started for one in known)


def _users(state: State) -> set[int]:
    users = {os.geteuid()}
    if state.wanted.application.user:
        users.add(state.wanted.application.user[0])
    if state.wanted.edge.user:
        users.add(pwd.getpwnam(state.wanted.edge.user).pw_uid)
    return users
