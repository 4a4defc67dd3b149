"""The report for other programs: docs/audit.schema.json describes it."""

import json
from dataclasses import asdict
from typing import Any

from seawall import __version__
from seawall.audit.baseline import Known
from seawall.audit.finding import Finding
from seawall.audit.run import Report, exit_code

VERSION = 1  # rises when a field goes or changes its meaning, not when one is added


def as_json(report: Report) -> str:
    """The whole report as one JSON object in ASCII, ending with a newline; each finding is a line."""
    plain = _plain(report)
    findings = plain.pop("findings")
    text = json.dumps(_clean({**plain, "findings": []}), indent=2) + "\n"
    if not findings:
        return text
    lines = ",\n".join("    " + _line(finding) for finding in findings)  # indented they would take ten times as long
    return text.replace('"findings": []', f'"findings": [\n{lines}\n  ]', 1)


def _plain(report: Report) -> dict[str, Any]:
    return {
        "format": "seawall-audit",
        "version": VERSION,
        "seawall": __version__,
        "subject": asdict(report.subject),
        "started": report.started.isoformat(),
        "seconds": round(report.seconds, 3),
        "complete": not report.gaps,
        "exit_code": exit_code(report),
        "figures": dict(report.figures),
        "known": [_known(known) for known in report.known],
        "expired": [_known(known) for known in report.expired],
        "gaps": [gap._asdict() for gap in report.gaps],
        "findings": [_finding(finding) for finding in report.findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    places = {
        "first": finding.first._asdict(),
        "last": finding.last._asdict(),
        "places": [each._asdict() for each in finding.places],
    }
    return finding._asdict() | places  # asdict() would copy each of thousands of places


def _known(known: Known) -> dict[str, Any]:
    expires = known.entry.expires.isoformat() if known.entry.expires else None
    return {"finding": _finding(known.finding), "reason": known.entry.reason, "expires": expires}


def _line(finding: dict[str, Any]) -> str:
    line = json.dumps(finding)
    return json.dumps(_clean(finding)) if "\\udc" in line else line  # perhaps a lone surrogate


def _clean(value: Any) -> Any:
    r"""Bytes that are not UTF-8, which Python carries as lone surrogates, as `\xe4`: JSON cannot say them."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    if isinstance(value, dict):
        return {key: _clean(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(each) for each in value]
    return value
