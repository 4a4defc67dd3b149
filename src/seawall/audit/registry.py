"""Every check there is, by identifier. An identifier never changes what it means."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from seawall.audit.checks import credentials
from seawall.audit.evidence import Evidence
from seawall.audit.finding import Finding


class Check(NamedTuple):
    """A pure function from evidence to findings."""

    title: str
    needs: tuple[str, ...]  # fields of Evidence
    find: Callable[[Evidence], Iterable[Finding]]


# The identifiers of a check's findings start with its own: "secrets/github-token".
CHECKS: Mapping[str, Check] = {
    "secrets": Check("Credentials in the repository", ("credentials",), credentials.find),
}
