"""`seawall events`: what happened."""

import json
import os
from pathlib import Path
from typing import Any

import click

from seawall.cli.show import event_line
from seawall.control import client
from seawall.errors import NotRunning
from seawall.paths import Paths, locate


@click.command("events")
@click.option("-f", "--follow", is_flag=True, help="Go on telling, until Ctrl-C.")
@click.option(
    "-n",
    "--number",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="How many past events to begin with.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_obj
def events_command(project: Path, follow: bool, number: int, as_json: bool) -> None:
    """Tell what happened on the site, oldest first."""
    paths = locate(project)
    try:
        for entry in client.follow_events(paths, number) if follow else client.stream(paths, "events", number=number):
            _tell(entry, as_json)
    except NotRunning:
        if follow or not os.path.lexists(paths.journal):
            raise
        for entry in _from_journal(paths, number):
            _tell(entry, as_json)


def _tell(entry: dict[str, Any], as_json: bool) -> None:
    click.echo(json.dumps(entry) if as_json else event_line(entry))


def _from_journal(paths: Paths, number: int) -> list[dict[str, Any]]:
    """The last events on record, of a site that does not run now."""
    from seawall.control.journal import read

    entries = [{"time": line["time"], **event} for line in read(paths.journal) for event in line["events"]]
    return entries[max(0, len(entries) - number) :]
