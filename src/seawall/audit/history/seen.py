"""What those who read a repository tell whoever asked them to."""

from typing import NamedTuple

from seawall.audit.history.objects import Kind
from seawall.audit.secrets.found import Sighting


class Seen:
    """What was found in some objects."""

    def __init__(self, size: int = 0) -> None:
        self.objects = 0
        self.read = 0  # bytes
        self.size = size  # bytes, as they were expected
        self.sightings: list[tuple[str, Kind, Sighting]] = []  # object or file, its kind, what is in it
        self.texts: dict[str, bytes] = {}  # commits and tags with sightings
        self.missing = 0
        self.gaps: list[tuple[str, str]] = []  # object or file, what could not be looked into

    def add(self, other: "Seen") -> None:
        """Take in what another one found."""
        self.objects += other.objects
        self.read += other.read
        self.size += other.size
        self.missing += other.missing
        self.sightings += other.sightings
        self.texts |= other.texts
        self.gaps += other.gaps


class Listing(NamedTuple):
    """What there is to be read, said as soon as it is known."""

    size: int  # bytes
    others: frozenset[str]  # objects that are in no pack which we read ourselves, trees too
    packs: frozenset[str] | None = None  # which those are, by their indexes; None: git lists everything


class Named(NamedTuple):
    """What names tell."""

    suspicious: set[str]  # paths of files that may be credentials by their names
    sightings: list[tuple[str, Kind, Sighting]]
