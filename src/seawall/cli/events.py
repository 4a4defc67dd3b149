"""`seawall events`: what happened."""

import json
import os
from pathlib import Path
from typing import Any

import click

from seawall.cli.show import event_line
from seawall.control import client
from seawall.control.told import REMEMBERED, for_people
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
@click.option("--all", "steps", is_flag=True, help="With each step at each balancer.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_obj
def events_command(project: Path, follow: bool, number: int, steps: bool, as_json: bool) -> None:
    """Tell what happened on the site, oldest first."""
    paths = locate(project)
    try:
        told = client.follow_events(paths, number) if follow else client.stream(paths, "events", number=number)
        if not follow and (steps or number > REMEMBERED):
            told = iter(_from_journal(paths, number, steps))
        for entry in told:
            if steps or for_people(entry):
                _tell(entry, as_json)
    except NotRunning:
        if follow or not os.path.lexists(paths.journal):
            raise
        for entry in _from_journal(paths, number, steps):
            _tell(entry, as_json)


def _tell(entry: dict[str, Any], as_json: bool) -> None:
    click.echo(json.dumps(entry) if as_json else event_line(entry))


def _from_journal(paths: Paths, number: int, steps: bool) -> list[dict[str, Any]]:
    """The last events on record: of a site that does not run now, or more than a running one remembers."""
    from seawall.control.journal import read

    entries = [{"time": line["time"], **event} for line in read(paths.journal) for event in line["events"]]
    shown = [entry for entry in entries if steps or for_people(entry)]
    return shown[max(0, len(shown) - number) :]
