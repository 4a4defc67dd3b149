"""What a scan finds in a block of bytes. It imports little: who only shows it needs nothing that finds it."""

from typing import NamedTuple

from seawall.audit.finding import Sureness
from seawall.audit.secrets.rules import FileRule, Rule

ORDER: dict[Sureness, int] = {  # the surest first
    "verified": 0,
    "format": 1,
    "heuristic": 2,
}


class Hit(NamedTuple):
    """A credential in a block of bytes, from `start` to `end`."""

    rule: Rule | FileRule
    secret: str
    start: int
    end: int
    sureness: Sureness


class Sighting(NamedTuple):
    """A credential, and where in the block it is."""

    hit: Hit
    within: tuple[str, ...]  # see Place.within
    line: int  # from 1; in what was unpacked, if it was
    excerpt: str  # the text around it in its line
    at: int  # where the secret begins in `excerpt`
    beside: tuple[str, ...] = ()  # every secret in it: who shows it has to mask them all
    docstring: bool = False  # whether it stands in one
