"""Values about requests that were lost: what balancers tell of them, and what is decided on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote


@dataclass(frozen=True)
class RequestDeath:
    """A request that was given up with 502, because one server after the other died while it worked on it."""

    number: str  # X-Request-ID, which ends with the visitor's address
    method: str
    target: str  # path and query as sent
    servers: tuple[str, ...]  # that died, oldest first; of a command's the last alone

    @property
    def visitor(self) -> str:
        return self.number.rpartition("-")[2]


@dataclass(frozen=True)
class BadAnswer:
    """An answer HAProxy could not pass on, so that the visitor got 502: its headers are too long, or it is no HTTP."""

    number: str
    method: str
    target: str
    server: str


@dataclass(frozen=True)
class Refusal:
    """No server is asked for this until then."""

    since: float
    seconds: float  # from `since` on

    def active(self, now: float) -> bool:
        return now < self.since + self.seconds


@dataclass(frozen=True)
class Crashes:
    """What is remembered of requests that killed servers."""

    targets: Mapping[str, Refusal] = field(default_factory=dict)  # visitor, space, path and query as sent
    paths: Mapping[str, Refusal] = field(default_factory=dict)  # visitor, space, decoded path: whatever the query
    generation: int = 0  # of the code they killed


@dataclass(frozen=True)
class Refused:
    """What balancers are to refuse now, with keys as in Crashes: to the visitor who sent it, not to everybody.

    Whatever else is in a request may be the cause, and a page that many want must not be out of reach because of one.
    """

    targets: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()


def path_of(target: str) -> str:
    """Decoded, as the application sees it: otherwise /crash could be written in a thousand ways."""
    return unquote(target.partition("?")[0], errors="surrogateescape")
