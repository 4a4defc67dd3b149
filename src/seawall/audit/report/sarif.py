"""The report as SARIF 2.1.0 (OASIS standard), for code hosts and editors."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from seawall import __version__
from seawall.audit.baseline import Entry
from seawall.audit.finding import Finding, Gap, Place, Severity, Sureness
from seawall.audit.report.words import SURE, lines, page, plain, where
from seawall.audit.run import Report, exit_code

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: dict[Severity, str] = {
    "critical": "error",
    "high": "error",
    "medium": "warning",
    "low": "note",
    "information": "note",
}
# What GitHub sorts by: over 9.0 is critical, from 7.0 high, from 4.0 medium, from 0.1 low.
_SCORES: dict[Severity, str] = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "3.0", "information": "0.0"}
_PRECISION: dict[Sureness, str] = {"verified": "very-high", "format": "high", "heuristic": "medium"}


def as_sarif(report: Report) -> str:
    """The whole report as one SARIF log in ASCII, ending with a newline."""
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(report)]}
    return json.dumps(log, indent=2) + "\n"


def _run(report: Report) -> dict[str, Any]:
    told: list[tuple[Finding, Entry | None]] = [(finding, None) for finding in report.findings]
    told += [(known.finding, known.entry) for known in report.known]
    rules = {finding.id: _rule(finding) for finding, _ in reversed(told)}
    order = {identifier: number for number, identifier in enumerate(rules)}
    run = {
        "tool": {"driver": {"name": "Seawall", "semanticVersion": __version__, "rules": list(rules.values())}},
        "invocations": [_invocation(report)],
        "results": [_result(finding, order[finding.id], entry) for finding, entry in told],
        "columnKind": "unicodeCodePoints",
        "properties": {"figures": dict(report.figures)},
    }
    if source := _source(report):
        run["versionControlProvenance"] = [source]
    return run


def _rule(finding: Finding) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "id": finding.id,
        "shortDescription": {"text": plain(finding.title)},
        "help": {"text": lines(finding.remedy) or plain(finding.title)},
        "defaultConfiguration": {"level": _LEVELS[finding.severity]},
        "properties": {
            "security-severity": _SCORES[finding.severity],
            "precision": _PRECISION[finding.sureness],
            "tags": ["security"],
        },
    }
    if link := next(filter(page, finding.links), None):
        rule["helpUri"] = link
    return rule


def _result(finding: Finding, rule: int, entry: Entry | None) -> dict[str, Any]:
    return {
        "ruleId": finding.id,
        "ruleIndex": rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": _message(finding)},
        "locations": [_location(finding.last)],
        "relatedLocations": [{**_location(finding.first), "message": {"text": "Where it was first seen."}}],
        # The first name is the only one GitHub looks at; its number counts equal ones.
        "partialFingerprints": {
            "primaryLocationLineHash": f"{finding.fingerprint}:1",
            "seawall/v1": finding.fingerprint,
        },
        "suppressions": [_suppression(entry)] if entry else [],
        "properties": {
            "sureness": finding.sureness,
            "inTip": finding.in_tip,
            "times": finding.times,
            "firstCommit": finding.first.commit,
            "lastCommit": finding.last.commit,
        },
    }


def _message(finding: Finding) -> str:
    state = "still in the tip" if finding.in_tip else "in the history only"
    head = f"{plain(finding.title)} ({SURE[finding.sureness]}), {state}: {where(finding.last)}"
    return "\n".join([head, *map(plain, finding.proof), "", lines(finding.remedy)]).rstrip()


def _location(place: Place) -> dict[str, Any]:
    """A file has a path and a line. All else lies in git's own data, and has a name.

    GitHub refuses a whole log when one location has only a name, so that `.git` stands in for the file.
    """
    if place.kind == "file":
        artifact: dict[str, Any] = {"artifactLocation": {"uri": _uri(place.path)}}
        if place.line and not place.within:
            artifact["region"] = {"startLine": place.line}
        location = {"physicalLocation": artifact}
        return {**location, "logicalLocations": [_name(place)]} if place.within else location
    return {"physicalLocation": {"artifactLocation": {"uri": ".git"}}, "logicalLocations": [_name(place)]}


def _name(place: Place) -> dict[str, Any]:
    commit = f" in {place.commit}" if place.commit else ""
    return {
        "name": plain(place.path or place.kind),
        "fullyQualifiedName": f"{where(place)}{commit}",
        "kind": place.kind,
    }


def _uri(path: str) -> str:
    """Relative to the root of the repository, any bytes."""
    return quote(path.encode("utf-8", "surrogateescape"))


def _suppression(entry: Entry) -> dict[str, Any]:
    until = f" (until {entry.expires})" if entry.expires else ""
    return {"kind": "external", "status": "accepted", "justification": f"{entry.reason}{until}"}


def _invocation(report: Report) -> dict[str, Any]:
    return {
        "executionSuccessful": not report.gaps,
        "exitCode": exit_code(report),
        "startTimeUtc": _time(report.started),
        "endTimeUtc": _time(report.started + timedelta(seconds=report.seconds)),
        "toolExecutionNotifications": [_notification(gap) for gap in report.gaps],
    }


def _notification(gap: Gap) -> dict[str, Any]:
    text = f"Incomplete: {plain(gap.what)}"
    return {"level": "error", "message": {"text": f"{text} {lines(gap.remedy)}".rstrip()}}


def _source(report: Report) -> dict[str, Any]:
    subject = report.subject
    if "://" not in subject.url:
        return {}
    source = {"repositoryUri": subject.url, "revisionId": subject.revision, "branch": subject.branch}
    return {name: value for name, value in source.items() if value}


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
