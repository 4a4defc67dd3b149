"""Whether requests that find no server wait for one, or are answered 503 because none starts."""

from seawall.decide.backoff import pause
from seawall.decide.sleep import can_serve
from seawall.decide.warm import usable
from seawall.model import BalancerSeen, Memory, Observed, Plan, Site, TurnAway


def decide(site: Site, observed: Observed, memory: Memory, now: float) -> Plan:
    hopeless = _hopeless(observed, memory, now)
    reason = "no server starts: who waits is answered 503" if hopeless else "requests may wait for a server again"
    actions = (
        TurnAway(reason, balancer.name, hopeless)
        for balancer in observed.balancers
        if _can_be_told(site, balancer) and balancer.turns_away != hopeless
    )
    return Plan(tuple(actions), memory)


def _can_be_told(site: Site, balancer: BalancerSeen) -> bool:
    """While it does not say what it does, it goes on with it. One of an older Seawall may not know how."""
    return balancer.alive and balancer.routes is not None and balancer.edge == site.edge


def _hopeless(observed: Observed, memory: Memory, now: float) -> bool:
    """Whether nobody can serve, and it is a while to the next try."""
    if can_serve(observed, memory):
        return False
    servers = pause(memory.deaths) > 0 and now < memory.retry_at
    warm = observed.warms is not None and usable(observed) is None
    return servers or (warm and pause(memory.warm_deaths) > 0 and now < memory.warm_retry_at)
