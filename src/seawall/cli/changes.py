"""How changes of settings are shown, and what goes on until they are in effect."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import click

from seawall.cli.show import not_enforced, printable
from seawall.control.telling import between, value
from seawall.errors import ChangeCutOff, shell

NEEDS = "needs `seawall down`, then `seawall up`"


def table(told: Mapping[str, Any]) -> list[str]:
    """One line a setting: `servers.min  2 → 4  at once`."""
    rows = [(one["setting"], between(one["old"], one["new"]), one["effect"]) for one in told["changes"]]
    rows += [(one["setting"], between(one["old"], one["new"]), NEEDS) for one in told["refused"]]
    widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
    lines = [f"{name:<{widths[0]}}  {values:<{widths[1]}}  {effect}" for name, values, effect in rows]
    return [printable(line) for line in (*lines, *_kept(told))]


def _kept(told: Mapping[str, Any]) -> Iterator[str]:
    for one in told["kept"]:
        back = f"to have that: seawall set {one['setting']} {shell(_typed(one['file']))}"
        said = f"as `seawall set` made it; seawall.toml says {value(one['file'])} ({back})"
        yield f"{one['setting']} stays {value(one['value'])}, {said}"


def _typed(of_file: Any) -> str:
    return "" if of_file is None else of_file if isinstance(of_file, str) else value(of_file)


def tell_limits(last: Mapping[str, Any]) -> None:
    """Of the last answer: limits that were changed and are not enforced here."""
    if missing := last.get("not_enforced"):
        click.echo(f"Note: {printable(not_enforced(missing))}")
        if remedy := last.get("remedy"):
            click.echo(remedy)


def follow(answers: Iterator[dict[str, Any]], told: dict[str, Any], quiet: bool = False) -> dict[str, Any]:
    """Say what goes on, until the last answer, which is returned. `told` is the first one, which may be the last.

    Raises ChangeCutOff where the control plane ends before it has said how the change ended.
    """
    began, last = time.monotonic(), told
    try:
        for last in answers:
            if "progress" in last and not quiet:
                click.echo(printable(f"{time.monotonic() - began:3.0f} s  {last['progress']}"), err=True)
    except KeyboardInterrupt:
        click.echo("The change goes on without you. Follow it: seawall status, seawall events --follow", err=True)
        raise
    if "in_effect" not in last:
        raise ChangeCutOff(
            "The control plane ended before it said that the change is in effect.",
            "Look at what runs: seawall status      What differs: seawall reload --dry-run",
        )
    if not quiet and last.get("pending"):
        click.echo(printable(f"This goes on: {'; '.join(last['pending'])}. Follow it: seawall events --follow"))
    elif not quiet and last is not told:
        click.echo(f"In effect after {time.monotonic() - began:.1f} s.")
    return last
