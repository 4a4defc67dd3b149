"""What the audit says: a finding, where it was seen, and what could not be looked at."""

from typing import Literal, NamedTuple

Severity = Literal["critical", "high", "medium", "low", "information"]
# How sure: a checksum in the token itself was verified; the vendor's format matched; or it looks like a credential.
Sureness = Literal["verified", "format", "heuristic"]


class Place(NamedTuple):
    """One place where something was seen. What is not known is empty or 0."""

    kind: str  # "file", "commit message", "tag message", "author", "note", "stash", "config", "ref name", …
    path: str = ""  # of the file, or the name of the ref, object or setting
    line: int = 0  # from 1
    within: tuple[str, ...] = ()  # what had to be unpacked, outermost first: ("zip: keys/id_rsa", "base64")
    commit: str = ""  # the object that brought it in, in full
    author: str = ""
    date: str = ""  # ISO 8601 with offset
    docstring: bool = False  # whether it stands in one, or in a documentation comment


class Finding(NamedTuple):
    """One problem, however often it was seen. Nothing in it shows a secret: see mask.py."""

    id: str  # stable, "secrets/github-token": never changes its meaning
    fingerprint: str  # the same problem has the same one in every run and clone; see fingerprint.py
    title: str
    severity: Severity
    sureness: Sureness
    first: Place
    last: Place
    times: int  # places it was seen in
    in_tip: bool  # still there in HEAD, a branch's tip or the work tree
    proof: tuple[str, ...]  # lines that show it, secrets masked
    remedy: str  # what to do, one step a line, the first one first
    links: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()  # all of them, oldest first, or the first of very many


class Gap(NamedTuple):
    """What could not be looked at, so that its absence from the findings means nothing."""

    what: str  # "898 objects are missing: this is a partial clone"
    remedy: str = ""
