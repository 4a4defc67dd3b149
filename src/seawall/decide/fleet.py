"""Which of the servers are there to stay, and which are to be replaced."""

from seawall.decide.warm import usable
from seawall.model import Memory, Observed, ServerSeen, Site


def staying(observed: Observed, memory: Memory) -> list[ServerSeen]:
    """Servers that are there to stay, oldest first."""
    gone = memory.leaving.keys() | memory.stopping.keys()
    return [server for server in observed.servers if server.alive and server.name not in gone]


def to_replace(site: Site, observed: Observed) -> frozenset[str]:
    """Servers that go once others can take their place: by order, by the age of their code, by a lost socket."""
    warm = usable(observed)
    # Only code that has been imported takes the place of older code.
    newest = site.generation if observed.warms is None else warm.generation if warm else 0
    replaced = {server.name for server in observed.servers if server.generation < newest or server.lost}
    return site.restart | replaced


def kept(site: Site, observed: Observed, memory: Memory) -> list[ServerSeen]:
    """Those that stay and that nothing speaks against."""
    ordered = site.drain | to_replace(site, observed)
    return [server for server in staying(observed, memory) if server.name not in ordered]


def replacing(site: Site, observed: Observed) -> bool:
    """Whether a deployment, or any other exchange of servers, is under way."""
    ordered = site.drain | to_replace(site, observed)
    return any(server.alive and server.name in ordered for server in observed.servers)
