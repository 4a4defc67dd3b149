"""What seawall.toml says now, beside what is in effect. Read with the rights that `up` uses; nothing is changed."""

import asyncio
from dataclasses import replace

from seawall.config.effects import AT_ONCE, BALANCERS, HIDDEN, SERVERS, Change, effects
from seawall.config.live import Proposal, reloaded, with_live
from seawall.config.load import read, understood
from seawall.control.state import State
from seawall.control.wanted import certificate_is_new, starts_alike
from seawall.fleet.application import Application, find

_CERTIFICATE = ("https.certificate", "https.domains")


async def compared(state: State) -> tuple[Proposal, Application]:
    """What is to be in effect, and the application as it is found now.

    Raises ConfigError, ApplicationNotFound and what else keeps `seawall up` from starting a site.
    """
    path = state.paths.settings
    # Read here, as that may be done with another user's rights, which all threads have then.
    file = await asyncio.to_thread(understood, path, read(path))
    proposal = reloaded(state.wanted.file, state.record.settings, file)
    settings = with_live(proposal.file, proposal.live)
    application = find(settings, state.paths.project)
    before = state.wanted.application
    alike = starts_alike(before, application)
    found = [_without_servers(change) if alike else change for change in proposal.changes]
    if not alike and SERVERS not in effects(found):
        was, now = (f"{one.kind} {one.target}" for one in (before, application))
        # The same words for both: what is imported is the same, and how Django is set up around it differs.
        was, now = (was, now) if was != now else (HIDDEN, HIDDEN)
        found.append(Change("the application", was, now, frozenset({SERVERS})))
    # Asked also where another one is named: one that cannot be used is found before anything is done.
    renewed = certificate_is_new(settings, state.paths, state.wanted.edge)
    if renewed and not any(change.setting in _CERTIFICATE for change in found):
        found.append(Change("the certificate", HIDDEN, HIDDEN, frozenset({BALANCERS})))
    return replace(proposal, changes=tuple(found)), application


def _without_servers(change: Change) -> Change:
    """To a command only balancers give so many requests at a time."""
    return replace(change, effects=(change.effects - {SERVERS}) or frozenset({AT_ONCE}))
