"""Which balancer is active: replaces dead, hung and outdated ones, and never leaves the site without one."""

from dataclasses import replace

from seawall.decide.backoff import YOUNG, pause
from seawall.model import (
    FINISHING,
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

START = 15.0  # s a balancer may take until its runtime socket answers: many when the machine is busy


def decide(site: Site, observed: Observed, memory: Memory, now: float) -> Plan:
    if not memory.opened:
        if not any(server.alive and server.ready for server in observed.servers):
            # A visitor who waits for the first server in the socket's backlog is better off than one who gets a 503.
            return Plan((), memory)
        memory = replace(memory, opened=True)
    active = next(balancer for balancer in observed.balancers if balancer.name == observed.active)
    spare = next(balancer for balancer in observed.balancers if balancer.name != observed.active)
    memory = _forget_retired(observed, memory)
    actions: list[Action] = []
    sick = _sick(site, active, memory, now) or ("finishes" if active.name in memory.retiring else "")
    if sick and _fit(spare, memory):
        actions.append(TakeOver(f"the active balancer {active.name} {sick}", spare.name))
    for balancer in observed.balancers:
        trouble = _sick(site, balancer, memory, now)
        if balancer is spare and _leaves(spare, memory) and _leaves(active, memory):
            trouble = "finishes like the other, and new visitors wait"
        elif trouble == FINISHING and balancer.alive:
            memory = replace(memory, retiring={**memory.retiring, balancer.name: now})
            actions.append(RetireBalancer(f"balancer {balancer.name} {trouble}", balancer.name))
            continue
        if trouble and balancer.alive:
            actions.append(KillBalancer(f"balancer {balancer.name} {trouble}", balancer.name))
        elif not balancer.alive and now >= memory.balancer_retry_at.get(balancer.name, 0.0):
            memory, start = _start(site, balancer, observed, memory, now)
            actions.append(start)
    if _fit(active, memory):
        step = _update(site, active, spare, memory)
        if isinstance(step, RetireBalancer):
            memory = replace(memory, retiring={**memory.retiring, spare.name: now})
        actions += [step] if step else []
    return Plan(tuple(actions), memory)


def _sick(site: Site, balancer: BalancerSeen, memory: Memory, now: float) -> str:
    """What is wrong with a balancer, as the end of a sentence; "" if nothing is."""
    if not balancer.alive:
        return "is not running"
    if balancer.name in memory.retiring:
        # Its runtime socket closes when it is asked to finish, so it has no heartbeats to be judged by.
        late = now - memory.retiring[balancer.name] > site.stop_timeout
        return f"still has visitors after servers.stop_timeout = {site.stop_timeout:g} s" if late else ""
    if not balancer.answering:
        return "does not answer since it started" if now - balancer.started > START else ""
    return balancer.hung


def _fit(balancer: BalancerSeen, memory: Memory) -> bool:
    return (
        balancer.alive
        and balancer.answering
        and not balancer.owes
        and not balancer.hung
        and balancer.name not in memory.retiring
    )


def _leaves(balancer: BalancerSeen, memory: Memory) -> bool:
    """Whether it takes no new visitors, but those it has are still served."""
    return balancer.alive and (balancer.name in memory.retiring or balancer.hung == FINISHING)


def _forget_retired(observed: Observed, memory: Memory) -> Memory:
    alive = {balancer.name for balancer in observed.balancers if balancer.alive}
    if memory.retiring.keys() <= alive:
        return memory
    return replace(memory, retiring={name: since for name, since in memory.retiring.items() if name in alive})


def _start(site: Site, balancer: BalancerSeen, observed: Observed, memory: Memory, now: float) -> tuple[Memory, Action]:
    name = balancer.name
    role = "active" if name == observed.active else "spare"
    outdated = balancer.started > 0 and balancer.edge != site.edge  # it ended so that another one can take its place
    young = balancer.started > 0 and now - balancer.started < YOUNG and not outdated
    deaths = memory.balancer_deaths.get(name, 0) + 1 if young else 0
    memory = replace(
        memory,
        balancer_deaths={**memory.balancer_deaths, name: deaths},
        balancer_retry_at={**memory.balancer_retry_at, name: now + pause(deaths)},
    )
    reason = f"the {role} balancer {name} died" if balancer.started else f"the site needs its {role} balancer"
    if outdated:
        reason = f"the {role} balancer {name} had an outdated configuration"
    return memory, StartBalancer(reason, name)


def _update(site: Site, active: BalancerSeen, spare: BalancerSeen, memory: Memory) -> Action | None:
    """Bring in a new configuration without losing a request: the spare first, then a takeover, then the other."""
    if not _fit(spare, memory):
        return None
    if spare.edge != site.edge and not _waited_for(spare):
        return RetireBalancer(f"balancer {spare.name} runs an outdated configuration", spare.name)
    if active.edge != site.edge and (_serves(spare) or _sleeps(active, spare)):
        return TakeOver(f"balancer {active.name} runs an outdated configuration", spare.name)
    return None


def _waited_for(balancer: BalancerSeen) -> bool:
    """Whether requests wait in it for the first server: nobody tells it of one once it finishes."""
    return balancer.current > 0 and not _serves(balancer)


def _sleeps(active: BalancerSeen, spare: BalancerSeen) -> bool:
    """Whether both say that there is no server, and nobody who asks for one."""
    known = active.routes is not None and spare.routes is not None
    return known and not _serves(active) and not active.current


def _serves(balancer: BalancerSeen) -> bool:
    """Whether somebody is there to answer the visitors this balancer would get."""
    return any(route.strategy == balancer.strategy and route.status == "up" for route in balancer.routes or ())
