"""`seawall secrets accept`: puts a finding into the baseline."""

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import click

from seawall.audit.finding import Finding
from seawall.errors import ConfigError


@click.command("accept")
@click.argument("fingerprints", nargs=-1, required=True)
@click.option("--reason", required=True, help="Why it may stay, for who reads the baseline.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The last day this holds; then it is found again.")
@click.option("--path", type=click.Path(exists=True, path_type=Path), default=".", help="The repository.")
@click.option(
    "--baseline", "file", type=click.Path(dir_okay=False, path_type=Path), help="Instead of .seawall-baseline."
)
@click.option("--rules", multiple=True, type=click.Path(dir_okay=False, path_type=Path), help="More rules, as TOML.")
def accept_command(
    fingerprints: tuple[str, ...],
    reason: str,
    until: datetime | None,
    path: Path,
    file: Path | None,
    rules: tuple[Path, ...],
) -> None:
    """Put the findings with FINGERPRINTS into the baseline; `all` for every one there is.

    The beginning of a fingerprint is enough. Entries name neither path nor
    commit and hold no secret; commit the file .seawall-baseline.
    """
    from seawall.audit import baseline
    from seawall.audit.report.words import where
    from seawall.audit.repository import Options, audit
    from seawall.audit.top import top_folder
    from seawall.cli.secrets_progress import shown

    if until and until.date() < date.today():
        raise ConfigError(
            f"{until:%Y-%m-%d} is over already.", "--until is the last day on which the finding may stay."
        )
    with shown() as told:
        report = audit(path, Options(rules, file), told.progress, told.preparing)
    every = [*report.findings, *(known.finding for known in report.known)]
    chosen = list(report.findings) if "all" in fingerprints else []
    for beginning in fingerprints:
        if beginning != "all":
            chosen.append(_the_one(every, beginning))
    if not chosen:
        click.echo("There is nothing to accept.")
        return
    file = file or top_folder(path) / baseline.NAME
    before = baseline.load(file) if file.exists() else baseline.new()
    baseline.save(file, baseline.accept(before, chosen, reason, until.date() if until else None))
    for finding in chosen:
        click.echo(f"{finding.fingerprint[:8]}  {finding.id}  {where(finding.first)}")
    click.echo(f"{len(chosen)} accepted in {file}: commit it, so that it counts for everybody.")


def _the_one(findings: Sequence[Finding], beginning: str) -> Finding:
    # Nothing, as of a variable that is not set, must not accept whatever there is.
    fitting = [finding for finding in findings if beginning and finding.fingerprint.startswith(beginning)]
    if not fitting:
        raise ConfigError(f"No finding has a fingerprint that begins with {beginning!r}.", "See: seawall secrets scan")
    if len(fitting) > 1:
        names = ", ".join(finding.fingerprint[:12] for finding in fitting)
        raise ConfigError(f"{len(fitting)} findings begin with {beginning}: {names}.", "Name more of it.")
    return fitting[0]
