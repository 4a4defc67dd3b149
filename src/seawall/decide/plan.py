"""The one signature to protect: plan(site, observed, memory, now) → Plan. Runs the decisions in order."""

from dataclasses import replace

from seawall.decide import count, crashing, liveness, routing, servers, sleep, takeover, turning_away, warm
from seawall.model import Memory, Observed, Plan, Site

# The most urgent first: a dead active balancer fails every visitor, a missing server only slows some.
DECISIONS = (
    takeover.decide,
    crashing.decide,
    liveness.decide,
    warm.decide,
    sleep.decide,
    count.decide,
    servers.decide,
    routing.decide,
    turning_away.decide,
)


def plan(site: Site, observed: Observed, memory: Memory, now: float) -> Plan:
    """What to do at `now` (seconds, on the clock all times in `observed` and `memory` are on).

    Each decision sees the memory the one before it returned, never the effects of its actions: those are observed
    next time.
    """
    result = Plan((), memory)
    for decide in DECISIONS:
        step = decide(site, observed, result.memory, now)
        result = replace(step, actions=result.actions + step.actions, events=result.events + step.events)
    return result
