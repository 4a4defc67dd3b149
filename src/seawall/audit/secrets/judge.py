"""Is what matched a credential, or a sample, a placeholder, a word? The judgement that patterns cannot make."""

import math
import re
from collections import Counter

from seawall.audit.finding import Sureness
from seawall.audit.secrets.checksums import CHECKSUMS
from seawall.audit.secrets.rules import Rule
from seawall.audit.secrets.structures import STRUCTURES

_PLACEHOLDER = re.compile(r"(?i)x{4}|\*{3}|\.{3}|example|placeholder|your[-_]|changeme|redacted|<[^>]*>|\$\{|\{\{")


def judge(rule: Rule, secret: str, line: str, at: int) -> Sureness | None:
    """How sure it is that `secret`, at `at` in `line`, is a credential; None: it is none.

    `line` is the text around it, at most some hundred characters to either side.
    """
    if rule.checksum:
        return "verified" if CHECKSUMS[rule.checksum](secret) else None
    if rule.structure and not STRUCTURES[rule.structure](secret):
        return None
    if entropy(secret) < rule.entropy or _PLACEHOLDER.search(secret):
        return None
    return "heuristic" if rule.heuristic else "format"


def entropy(text: str) -> float:
    """Shannon entropy, bits a character (Shannon 1948)."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())
