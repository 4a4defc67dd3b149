"""`seawall secrets accept`: puts a finding into the baseline."""

from datetime import date, datetime
from pathlib import Path

import click

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
    from seawall.audit.repository import Options, audit, top_folder
    from seawall.cli.secrets_scan import progress

    with progress() as tell:
        report = audit(path, Options(rules, file), tell)
    chosen = [
        finding
        for finding in report.findings
        if "all" in fingerprints
        or finding.fingerprint.startswith(tuple(each for each in fingerprints if each != "all"))
    ]
    unknown = [
        each for each in fingerprints if each != "all" and not any(f.fingerprint.startswith(each) for f in chosen)
    ]
    if unknown:
        raise ConfigError(f"No finding has a fingerprint that begins with {unknown[0]}.", "See: seawall secrets scan")
    file = file or top_folder(path) / baseline.NAME
    before = baseline.load(file) if file.exists() else baseline.new()
    last: date | None = until.date() if until else None
    baseline.save(file, baseline.accept(before, chosen, reason, last))
    click.echo(f"{len(chosen)} finding{'s' if len(chosen) != 1 else ''} accepted in {file}. Commit that file.")
