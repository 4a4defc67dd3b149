"""The warm process: keeps one that has imported the wanted generation of the code, and the old one until then."""

from dataclasses import replace

from seawall.decide.backoff import YOUNG, pause
from seawall.model import Action, ForgetWarm, KillWarm, Memory, Observed, Plan, Site, StartWarm, WarmSeen

SHORTEST = 0.5  # s between two attempts, however the first one ended


def decide(site: Site, observed: Observed, memory: Memory, now: float) -> Plan:
    if observed.warms is None:
        return Plan((), memory)
    actions: list[Action] = []
    for warm in observed.warms:
        if not warm.alive:
            memory = _dead(warm, memory, now)
            actions.append(ForgetWarm(f"the warm process {warm.name} is gone", warm.name))
    living = [warm for warm in observed.warms if warm.alive]
    for warm in living:
        if reason := _superfluous(warm, living):
            actions.append(KillWarm(reason, warm.name))
    current = [warm for warm in living if warm.generation == site.generation and not warm.hung]
    if not current and now >= memory.warm_retry_at:
        name = f"w{memory.next_warm}"
        # The pause is also for the case that the attempt itself fails: nothing dies then that could be counted.
        memory = replace(memory, next_warm=memory.next_warm + 1, warm_retry_at=now + SHORTEST)
        actions.append(StartWarm(_why(site, living), name))
    return Plan(tuple(actions), memory)


def usable(observed: Observed) -> WarmSeen | None:
    """The warm process to fork from: of those that are ready the one with the newest code."""
    ready = [warm for warm in observed.warms or () if warm.alive and warm.ready and not warm.hung]
    return max(ready, key=lambda warm: (warm.generation, warm.started), default=None)


def _dead(warm: WarmSeen, memory: Memory, now: float) -> Memory:
    young = not warm.ready or now - warm.started < YOUNG
    deaths = memory.warm_deaths + 1 if young else 0
    return replace(memory, warm_deaths=deaths, warm_retry_at=max(memory.warm_retry_at, now + pause(deaths)))


def _superfluous(warm: WarmSeen, living: list[WarmSeen]) -> str:
    """Why a warm process is to be ended, or ""."""
    if warm.hung:
        return f"the warm process {warm.name} {warm.hung}"
    newer = [other for other in living if other.ready and not other.hung and _age(other) > _age(warm)]
    return f"the warm process {warm.name} is replaced by {newer[0].name}" if newer else ""


def _age(warm: WarmSeen) -> tuple[int, float]:
    return warm.generation, warm.started


def _why(site: Site, living: list[WarmSeen]) -> str:
    if any(warm.ready and not warm.hung for warm in living):
        return "all of the application is to be imported anew"
    return "servers are forked from a warm process, and there is none"
