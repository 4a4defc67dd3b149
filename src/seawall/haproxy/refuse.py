"""The commands by which a balancer refuses, with 503, the requests that have killed servers.

The map's key is a path, decoded, of which something is refused; or what that is: a visitor's address, and after a space
either a path and query as they are sent, or a path, decoded. Most requests are looked up once and not found.
"""

import re

from seawall.haproxy import quote
from seawall.haproxy.render import REFUSED
from seawall.lost import Refused, path_of

LONGEST = 4000  # characters of a key


def commands(refused: Refused) -> list[str]:
    """To be given to each balancer in this order, after its start and at each change. Nothing else is refused then."""
    entries: dict[str, str] = {}
    for cause in sorted(refused.targets):
        visitor, _, target = cause.partition(" ")
        # A command has to fit a buffer: who sends very long ones is refused all of the path.
        whole = {f"{visitor} {path_of(target)}": "path"}
        entries |= {path_of(target): "some", **({cause: "exact"} if len(cause) < LONGEST else whole)}
    for cause in sorted(refused.paths):
        entries |= {cause.partition(" ")[2]: "some", cause: "path"}
    added = [f"add map {REFUSED} {quote.argument(key)} {value}" for key, value in entries.items() if _sayable(key)]
    return [f"clear map {REFUSED}", *added]


def _sayable(key: str) -> bool:
    """A command ends with its line, and is UTF-8. What cannot be said is not refused: it ends two servers each time."""
    return len(key) < LONGEST and not re.search(r"[\0\n\r\ud800-\udfff]", key)
