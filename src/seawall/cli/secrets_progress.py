"""What `seawall secrets` shows on stderr while it works, if that is a terminal."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import click

PREPARING = "Preparing the rules, once after each upgrade …"


@dataclass(frozen=True)
class Told:
    """Who is told how far it is."""

    progress: Callable[[int, int], None] = lambda done, total: None  # bytes done, bytes in all
    preparing: Callable[[], None] = lambda: None  # the rules, which takes some seconds


@contextlib.contextmanager
def shown() -> Iterator[Told]:
    """A bar with its rate, gone at the end."""
    if not sys.stderr.isatty():
        yield Told()
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(TextColumn("looking"), *columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("looking", total=None)
        # Beside the bar it would be cut off.
        yield Told(
            lambda done, total: bar.update(task, completed=done, total=total), lambda: bar.console.print(PREPARING)
        )


def preparing() -> None:
    """Say it without a bar."""
    if sys.stderr.isatty():
        click.echo(PREPARING, err=True)
