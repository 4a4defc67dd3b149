"""What an examination finds."""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "note", "missing"]


@dataclass(frozen=True)
class Finding:
    """One thing looked at: `text` says what was found, `remedy` the command that puts it right."""

    subject: str
    verdict: Verdict
    text: str
    remedy: str = ""
