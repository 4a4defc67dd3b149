"""What was gathered, once, for all checks. Gathering touches the world; what is here is only values."""

from typing import NamedTuple

from seawall.audit.finding import Place, Sureness
from seawall.audit.secrets.rules import FileRule, Rule
from seawall.errors import SeawallError


class EvidenceMissing(SeawallError):
    """A check could not be made, for want of something to look at."""


class Credential(NamedTuple):
    """One secret that one rule found, however often."""

    rule: Rule | FileRule
    secret: str  # in the clear: it never leaves the checks. Of a file that is a credential by its name: the content
    sureness: Sureness
    first: Place
    last: Place
    times: int
    in_tip: bool
    proof: tuple[str, ...]  # masked, see mask.py
    for_tests: bool = False  # by its form and all its places, see checks/samples.py
    only_here: bool = False  # in files of the work tree that git has never seen
    places: tuple[Place, ...] = ()  # see Finding.places
    in_repository: bool = True  # or in a folder without git, where there is no history to clean


class Evidence(NamedTuple):
    """None is what nobody looked at; empty is what was looked at and held nothing."""

    credentials: tuple[Credential, ...] | None = None  # in everything the git repository holds

    def need(self, *names: str) -> None:
        """Raise EvidenceMissing unless all of these fields were gathered."""
        if missing := [name for name in names if getattr(self, name) is None]:
            raise EvidenceMissing(f"the {' and the '.join(missing)} were not gathered")
