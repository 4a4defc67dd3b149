"""What those who read a repository tell whoever asked them to."""

from dataclasses import dataclass, field
from typing import NamedTuple

from seawall.audit.history.objects import Kind
from seawall.audit.secrets.found import Sighting


@dataclass
class Seen:
    """What was found in some objects."""

    objects: int = 0
    read: int = 0  # bytes
    size: int = 0  # bytes, as they were expected
    sightings: list[tuple[str, Kind, Sighting]] = field(default_factory=list)  # object or file, its kind, what is in it
    texts: dict[str, bytes] = field(default_factory=dict)  # commits and tags with sightings
    missing: int = 0
    gaps: list[tuple[str, str]] = field(default_factory=list)  # object or file, what could not be looked into

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


class Named(NamedTuple):
    """What names tell."""

    suspicious: set[str]  # paths of files that may be credentials by their names
    sightings: list[tuple[str, Kind, Sighting]]
