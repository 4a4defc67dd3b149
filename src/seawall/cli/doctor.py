"""`seawall doctor`: what is missing on this machine, and the command that installs it."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from seawall.cli.findings import Finding, Verdict

SIGNS: dict[Verdict, tuple[str, str]] = {"ok": ("✓", "green"), "note": ("!", "yellow"), "missing": ("✗", "red")}


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Everything as one JSON object.")
@click.pass_obj
def doctor_command(project: Path, as_json: bool) -> None:
    """Examine this machine and this site: what is missing, and the command that installs it.

    ✓ is fine, ! is worth knowing, ✗ keeps the site from working; then the exit code is 1.
    """
    from seawall.cli.examination import examine

    findings = examine(project)
    healthy = all(finding.verdict != "missing" for finding in findings)
    if as_json:
        click.echo(json.dumps({"healthy": healthy, "findings": [asdict(finding) for finding in findings]}, indent=2))
    else:
        _show(findings)
    sys.exit(0 if healthy else 1)


def _show(findings: list[Finding]) -> None:
    width = max(len(finding.subject) for finding in findings)
    for finding in findings:
        sign, color = SIGNS[finding.verdict]
        click.echo(f"{click.style(sign, fg=color)} {finding.subject:<{width}}  {finding.text}")
        for line in finding.remedy.splitlines():
            click.echo(f"  {'':<{width}}  {click.style(line, dim=True)}")
