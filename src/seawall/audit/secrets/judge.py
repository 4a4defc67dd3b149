"""Is what matched a credential, or a sample, a placeholder, a word? The judgement that patterns cannot make."""

import re

from seawall.audit.finding import Sureness
from seawall.audit.secrets import late, placeholders
from seawall.audit.secrets.checksums import CHECKSUMS
from seawall.audit.secrets.choices import filler
from seawall.audit.secrets.context import allowed, surroundings
from seawall.audit.secrets.kinds import JUDGES
from seawall.audit.secrets.letters import entropy
from seawall.audit.secrets.rules import Rule
from seawall.audit.secrets.structures import STRUCTURES

_USUAL = re.compile(r"(?i:^(?:test|live|prod)_)|A{5,}")  # what formats begin with, and base64 of zeros: no fillers
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")


def judge(rule: Rule, secret: str, line: str, at: int) -> Sureness | None:
    """How sure it is that `secret`, at `at` in `line`, is a credential; None: it is none.

    `line` is the text around it, at most some hundred characters to either side.
    """
    if why(rule, secret, line, at):
        return None
    if rule.checksum:
        return "verified"
    return "heuristic" if rule.heuristic else "format"


def why(rule: Rule, secret: str, line: str, at: int) -> str:
    """Why `secret` is no credential; empty: it is one."""
    if rule.checksum:
        return "" if CHECKSUMS[rule.checksum](secret) else "wrong checksum"
    if rule.structure and not STRUCTURES[rule.structure](secret):
        return "wrong structure"
    if rule.entropy and entropy(secret) < rule.entropy:
        return "too little entropy"
    if not rule.judge:
        # A format that could be anything but for the name it is assigned to is judged like any other value.
        return filler(_USUAL.sub("", secret)) if rule.name else _vendor(secret)
    value_alone, judgement = JUDGES[rule.judge]
    value = _BEYOND_ASCII.sub("e", secret)  # letters of other languages are letters, not signs
    # What the value alone says comes first: it is known for most from elsewhere, and costs less.
    if reason := value_alone(value):
        return reason
    around = surroundings(secret, line, at)
    return "a comment says so" if allowed(around) else judgement(value, around)


def _vendor(secret: str) -> str:
    """What has a vendor's format is one unless it says otherwise."""
    if placeholders.sample(secret):
        return "a documentation sample"
    if late.search(r"(?i)x{5}|\*{3}|\.{3}|example|placeholder|your[-_]|change_?me|redacted|<[^>]*>|\$\{|\{\{", secret):
        return "a placeholder"
    varied = _USUAL.sub("", secret)
    return "monotonous" if len(varied) > 12 and placeholders.monotonous(varied) else ""
