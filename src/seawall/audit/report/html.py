"""The report as one page that needs nothing else: to read, print and pass on."""

import hashlib
from base64 import b64encode
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from seawall import __version__
from seawall.audit.finding import Finding
from seawall.audit.report import words
from seawall.audit.report.timeline import timeline
from seawall.audit.run import Report, alarms

TEMPLATES = Path(__file__).with_name("templates")
KINDS = 8  # bars


def as_html(report: Report) -> str:
    """The whole page. No address in it is loaded; its policy (CSP) allows no script and style but its own."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(plain=words.plain, when=_when, short=_short, page=words.page)
    style, script = (Markup((TEMPLATES / name).read_text("utf-8")) for name in ("report.css", "report.js"))
    return environment.get_template("report.html.j2").render(
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
        report=report,
        version=__version__,
        words=words,
        verdict=words.verdict(report),
        tone="bad" if alarms(report) else "unsure" if report.gaps else "good",
        severities=Counter(finding.severity for finding in report.findings),
        surenesses=Counter(finding.sureness for finding in report.findings),
        kinds=_kinds(report.findings),
        timeline=timeline(report.findings, report.started),
        secrets=any(finding.id.startswith("secrets/") for finding in report.findings),
    )


def _hash(text: str) -> str:
    """As a policy names what it allows: W3C Content Security Policy Level 3, section 2.3.1."""
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _kinds(findings: tuple[Finding, ...]) -> list[dict[str, Any]]:
    """The most frequent titles, how many of each are still in the tip, and how wide that is in percent."""
    counted = Counter(finding.title for finding in findings).most_common()
    there = Counter(finding.title for finding in findings if finding.in_tip)
    shown = [(title, number, there[title]) for title, number in counted[:KINDS]]
    if rest := counted[KINDS:]:
        shown.append(
            (words.count(len(rest), "other kind"), sum(n for _, n in rest), sum(there[title] for title, _ in rest))
        )
    widest = max((number for _, number, _ in shown), default=1)
    return [
        {"title": title, "number": number, "there": tip, "width": 100 * number / widest, "tip": 100 * tip / widest}
        for title, number, tip in shown
    ]


def _when(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M %Z").strip()


def _short(commit: str) -> str:
    return words.plain(commit[:8])
