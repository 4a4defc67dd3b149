"""`seawall` whose number of servers another rule decides; all else, and what it sees, is the product's own.

python -m benchmarks.ruled HPA -C FOLDER up
"""

import sys
from dataclasses import replace

from tests.loads.rules import RULES, Moment, Rule

from seawall.cli.main import main
from seawall.decide import count, plan
from seawall.decide.fleet import staying
from seawall.model import Memory, Observed, Plan, Site


def moment(site: Site, observed: Observed, memory: Memory, now: float) -> Moment:
    """What a rule is told of a running site."""
    there = staying(observed, memory)
    ready = sum(server.ready for server in there)
    load = observed.load
    serving, waiting = (load.serving, load.queued) if load else (0, 0)
    return Moment(now, ready, len(there) - ready, serving, waiting, site.slots)


def decided_by(rule: Rule) -> None:
    """From now on this rule says how many servers are wanted; `count.wanted` keeps them between the site's limits."""

    def decide(site: Site, observed: Observed, memory: Memory, now: float) -> Plan:
        seen = moment(site, observed, memory, now)
        number = rule.wanted(seen) if seen.ready else site.min
        return Plan((), replace(memory, sizing=replace(memory.sizing, wanted=number)))

    plan.DECISIONS = tuple(decide if each is count.decide else each for each in plan.DECISIONS)


if __name__ == "__main__":
    decided_by(RULES[sys.argv.pop(1)]())
    main()
