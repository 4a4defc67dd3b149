"""`seawall` whose number of servers another rule decides; all else, and what it sees, is the product's own.

python -m benchmarks.ruled HPA -C FOLDER up
"""

import sys

from tests.loads.rules import RULES, Moment, Rule

from seawall.cli.main import main
from seawall.decide import count
from seawall.model import Memory, Observed, Site


def moment(site: Site, observed: Observed, memory: Memory, now: float) -> Moment:
    """What a rule is told of a running site."""
    gone = memory.leaving.keys() | memory.stopping.keys()
    there = [server for server in observed.servers if server.alive and server.name not in gone]
    ready = sum(server.ready for server in there)
    routes = [route for balancer in observed.balancers for route in balancer.routes or ()]
    serving = sum(route.current for route in routes)
    waiting = observed.load.queued if observed.load else 0
    return Moment(now, ready, len(there) - ready, serving, waiting, site.slots)


def decided_by(rule: Rule) -> None:
    """From now on this rule says how many servers are wanted, between the site's limits."""

    def wanted(site: Site, observed: Observed, memory: Memory, now: float) -> int:
        seen = moment(site, observed, memory, now)
        return min(site.max, max(site.min, rule.wanted(seen))) if seen.ready else site.min

    count.wanted = wanted


if __name__ == "__main__":
    decided_by(RULES[sys.argv.pop(1)]())
    main()
