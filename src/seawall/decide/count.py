"""How many servers the site is to have."""

from seawall.decide import sleep
from seawall.model import Memory, Observed, Site


def wanted(site: Site, observed: Observed, memory: Memory, now: float) -> int:
    """The number of servers that are to serve. Today what the settings say, whatever the load is."""
    return 0 if sleep.asleep(site, memory) else max(1, site.min)
