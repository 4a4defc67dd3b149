"""What lies only among tests and documentation was most likely made for them."""

import re
from collections.abc import Iterable
from functools import lru_cache

from seawall.audit.finding import Place, Sureness
from seawall.audit.secrets.rules import FileRule, Rule

_FOLDER = re.compile(
    r"(?i)t|(?:unit|functional|integration)?[_-]?tests?(?:[_-]?(?:data|files|assets|suite|cases|certs|keys|server))?|testing|testdata"
    r"|(?:\w*[_-])?fixtures?|(?:docs?|doc|documentation)(?:[_-]?(?:src|source|examples))?|examples?|samples?|demos?"
    r"|tutorials?|specs?|__tests__|__fixtures__|__mocks__|mocks?|dummy[\w-]*"
)
_FILE = re.compile(
    r"(?i)(?:conftest|tests?|test_[^/]*|[^/]*(?:_|\.|-)(?:tests?|spec|mock|examples)|examples?[-_\d]*|readme[^/]*tests?)"
    r"\.[a-z]{1,5}"
)
# In which docstrings.py knows what is written for readers.
_LANGUAGES = {
    "py",
    "pyi",
    "pyx",
    "js",
    "mjs",
    "cjs",
    "jsx",
    "ts",
    "mts",
    "cts",
    "tsx",
    "java",
    "kt",
    "scala",
    "php",
    "map",
}
# They issue nothing: their users make what is secret.
_PROGRAMS = ("", "Django", "OpenSSH", "PuTTY", "PostgreSQL", "MySQL", "KeePass", "Kubernetes", "WordPress", "Ansible")
# Whose keys are made by whoever wants one, with a format all the same. Other wallets' have checksums: those are proven.
_WALLETS = ("Ethereum",)
# Tells of the rest as well: its passwords are for readers only if they stand among the tests or the documentation too.
_README = re.compile(r"(?i)(?:readme|changes|changelog|history|news)[^/]*")


def made_for_tests(rule: Rule | FileRule, sureness: Sureness, places: Iterable[Place]) -> bool:
    """Whether a credential that anybody can make (a key, password, hash) lies among tests or documentation alone.

    Docstrings and documentation comments are documentation.

    What a vendor has issued, or a checksum proves, is none of those wherever it lies: it opens something.
    """
    if sureness == "verified" or not anybodys(rule):
        return False
    where = {_kind(*each) for each in {(place.path, place.kind, place.docstring) for place in places}}
    return where in ({"sample"}, {"sample", "readme"})


def anybodys(rule: Rule | FileRule) -> bool:
    """Whether no vendor issues what the rule finds. Such rules have a judgement of their own, for want of a format."""
    if rule.vendor in _WALLETS:
        return True
    return rule.vendor in _PROGRAMS and (isinstance(rule, FileRule) or bool(rule.judge))


@lru_cache(65536)
def _kind(path: str, kind: str, docstring: bool) -> str:
    """Whether a place is a "sample", a "readme", or "" for any other."""
    if kind not in ("file", "staged file"):
        return ""
    *folders, name = path.split("/")
    if docstring and name.rpartition(".")[2] in _LANGUAGES:
        return "sample"
    if _FILE.fullmatch(name) or any(_FOLDER.fullmatch(each) for each in folders):
        return "sample"
    return "readme" if _README.fullmatch(name) else ""
