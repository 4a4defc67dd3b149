"""`seawall reload`: applies a changed seawall.toml to the running site."""

import json
import sys
from pathlib import Path

import click

from seawall.cli.changes import follow, table, tell_limits
from seawall.control import client
from seawall.paths import locate


@click.command("reload")
@click.option("--dry-run", is_flag=True, help="Only show what would change, and how.")
@click.option("--json", "as_json", is_flag=True, help="Everything as one JSON object.")
@click.pass_obj
def reload_command(project: Path, dry_run: bool, as_json: bool) -> None:
    """Apply a changed seawall.toml to the running site, without failing a request.

    Each changed setting is named with how it takes effect: at once, with new balancers, or with new servers once the
    application has been imported anew. If it cannot be imported, or the file is wrong, nothing changes. What `seawall
    set` has changed stays, unless the file changes the same setting.

    Exit code 0: all that the file has changed is in effect; what `seawall set` holds is named, and no failure. 1: not
    all of it, and it is said why. 2: the file is wrong. 3: no site runs.
    """
    answers = client.stream(locate(project), "reload", dry_run=dry_run)
    told = next(answers)
    if not as_json:
        click.echo("\n".join(table(told)) or "What runs is what seawall.toml says.")
    last = follow(answers, told, quiet=as_json)
    if as_json:
        click.echo(json.dumps({"pending": [], **told, **last}, indent=2))
    else:
        tell_limits(last)
    done = dry_run or last["in_effect"]
    sys.exit(0 if done and not told["refused"] else 1)
