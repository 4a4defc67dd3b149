"""Which balancer is active: replaces dead, hung and outdated ones, and never leaves the site without one."""

from dataclasses import replace

from seawall.decide.backoff import YOUNG, pause
from seawall.model import (
    Action,
    BalancerSeen,
    KillBalancer,
    Memory,
    Observed,
    Plan,
    RetireBalancer,
    Site,
    StartBalancer,
    TakeOver,
)

MISSED = 2  # heartbeats in a row: about 300 ms (docs/architecture.md, heartbeats)
MISSED_BUSY = 30  # the same for one that is using the processor meanwhile: overloaded is not hung
START = 5.0  # s a balancer may take until its runtime socket answers


def decide(site: Site, observed: Observed, memory: Memory, now: float) -> Plan:
    if not memory.opened:
        # A visitor who waits for the first server in the socket's backlog is better off than one who gets a 503.
        return Plan((), memory)
    balancers = {balancer.name: balancer for balancer in observed.balancers}
    active = balancers[observed.active]
    spare = next(balancer for balancer in observed.balancers if balancer.name != observed.active)
    actions: list[Action] = []
    sick = _sick(active, now)
    if sick and _fit(spare):
        actions.append(TakeOver(f"the active balancer {active.name} {sick}", spare.name))
    for balancer in observed.balancers:
        trouble = _sick(balancer, now)
        if trouble and balancer.alive:
            actions.append(KillBalancer(f"balancer {balancer.name} {trouble}", balancer.name))
        elif not balancer.alive and now >= memory.balancer_retry_at.get(balancer.name, 0.0):
            memory, start = _start(balancer, observed, memory, now)
            actions.append(start)
    if not sick:
        actions += _update(site, active, spare)
    return Plan(tuple(actions), memory)


def _sick(balancer: BalancerSeen, now: float) -> str:
    """What is wrong with a balancer, as the end of a sentence; "" if nothing is."""
    if not balancer.alive:
        return "is not running"
    if not balancer.answering:
        return "does not answer since it started" if now - balancer.started > START else ""
    if balancer.missed >= (MISSED_BUSY if balancer.busy else MISSED):
        return f"missed {balancer.missed} heartbeats in a row"
    return ""


def _fit(balancer: BalancerSeen) -> bool:
    return balancer.alive and balancer.answering and balancer.missed == 0


def _start(balancer: BalancerSeen, observed: Observed, memory: Memory, now: float) -> tuple[Memory, Action]:
    name = balancer.name
    role = "active" if name == observed.active else "spare"
    young = balancer.started > 0 and now - balancer.started < YOUNG
    deaths = memory.balancer_deaths.get(name, 0) + 1 if young else 0
    memory = replace(
        memory,
        balancer_deaths={**memory.balancer_deaths, name: deaths},
        balancer_retry_at={**memory.balancer_retry_at, name: now + pause(deaths)},
    )
    reason = f"the {role} balancer {name} died" if balancer.started else f"the site has a {role} balancer"
    return memory, StartBalancer(reason, name)


def _update(site: Site, active: BalancerSeen, spare: BalancerSeen) -> list[Action]:
    """Bring in a new configuration without losing a request: the spare first, then a takeover, then the other."""
    if spare.alive and spare.answering and spare.edge != site.edge:
        return [RetireBalancer(f"balancer {spare.name} runs an outdated configuration", spare.name)]
    if active.alive and active.edge != site.edge and _fit(spare) and spare.routes is not None:
        return [TakeOver(f"balancer {active.name} runs an outdated configuration", spare.name)]
    return []
