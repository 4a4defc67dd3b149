"""From checks and evidence to one report."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple, get_args

from seawall.audit.baseline import Known
from seawall.audit.evidence import Evidence, EvidenceMissing
from seawall.audit.finding import Finding, Gap, Severity, Sureness
from seawall.audit.registry import CHECKS, Check

CLEAN, FINDINGS, INCOMPLETE = 0, 1, 3  # exit codes; 2 is an error's

_SEVERITIES = {severity: order for order, severity in enumerate(get_args(Severity))}
_SURENESSES = {sureness: order for order, sureness in enumerate(get_args(Sureness))}
_USER = re.compile(r"(?<=://)[^/?#]*@")


@dataclass(frozen=True)
class Subject:
    """What was audited. A name or password in an address is removed: reports are passed on."""

    name: str  # a path or an address, as the user gave it
    url: str = ""  # where the repository is published
    revision: str = ""  # what HEAD is, in full
    branch: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", _USER.sub("", self.name))
        object.__setattr__(self, "url", _USER.sub("", self.url))


class Report(NamedTuple):
    """All an audit has to say. The same one goes to the terminal, JSON, SARIF and HTML."""

    subject: Subject
    started: datetime  # with time zone
    seconds: float
    findings: tuple[Finding, ...]  # worst first: see `ordered`
    gaps: tuple[Gap, ...] = ()
    known: tuple[Known, ...] = ()  # in the baseline: listed, not counted
    expired: tuple[Known, ...] = ()  # their entry in the baseline has ended, so they are in `findings` again
    figures: Mapping[str, int | float] = MappingProxyType({})  # what was read: {"objects": …, "bytes": …}


def run(evidence: Evidence, checks: Mapping[str, Check] = CHECKS) -> tuple[list[Finding], list[Gap]]:
    """Every check's findings, worst first; for one that lacked evidence a gap. Any other error is the caller's."""
    findings: list[Finding] = []
    gaps: list[Gap] = []
    for identifier, check in checks.items():
        try:
            evidence.need(*check.needs)
            findings += check.find(evidence)
        except EvidenceMissing as missing:
            gaps.append(Gap(f"Not verified: {check.title} ({identifier}), because {missing.problem}.", missing.remedy))
    return ordered(findings), gaps


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """Worst first: by severity, how sure, whether still there; then by name, so that two runs agree."""
    return sorted(
        findings,
        key=lambda finding: (
            _SEVERITIES[finding.severity],
            _SURENESSES[finding.sureness],
            not finding.in_tip,
            finding.title,
            finding.id,
            finding.fingerprint,
        ),
    )


def alarms(report: Report) -> tuple[Finding, ...]:
    """The findings that somebody has to act on; the others are listed for information."""
    return tuple(each for each in report.findings if each.severity != "information")


def exit_code(report: Report) -> int:
    """0 clean, 1 findings, 3 incomplete. Findings of severity "information" alone count as clean.

    A finding is certain and a gap is not, so 1 wins over 3: who only looks at the code acts on what is there. Every
    report says in its first lines that it is incomplete; the JSON has `complete`.
    """
    if alarms(report):
        return FINDINGS
    return INCOMPLETE if report.gaps else CLEAN
