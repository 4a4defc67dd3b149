"""The commands by which a balancer refuses, with 503, the requests that have killed servers.

The map's key is either a path, decoded, or a path and query as they are sent. Most requests are looked up once and not
found: a path whose value is "some" has other targets in the map, one whose value is "path" is refused as a whole.
"""

from seawall.haproxy import quote
from seawall.haproxy.render import REFUSED
from seawall.lost import Refused, path_of


def commands(refused: Refused) -> list[str]:
    """To be given to each balancer in this order, after its start and at each change. Nothing else is refused then."""
    entries: dict[str, str] = {}
    for target in sorted(refused.targets):
        entries.setdefault(path_of(target), "some")
        entries[target] = "exact"
    entries |= dict.fromkeys(sorted(refused.paths), "path")
    added = [f"add map {REFUSED} {quote.argument(key)} {value}" for key, value in entries.items() if _sayable(key)]
    return [f"clear map {REFUSED}", *added]


def _sayable(key: str) -> bool:
    """A command ends with its line, and is UTF-8. What cannot be said is not refused: it ends two servers each time."""
    return key.replace(" ", "").isprintable()
