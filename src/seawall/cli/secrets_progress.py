"""What `seawall secrets` shows on stderr while it works, if that is a terminal."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import NamedTuple

import click

PREPARING = "Preparing the rules, once after each upgrade …"


class Told(NamedTuple):
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
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    columns = (BarColumn(), DownloadColumn(), TextColumn("{task.fields[pace]}"))
    with Progress(TextColumn("looking"), *columns, console=Console(stderr=True), transient=True) as bar:
        task, began = bar.add_task("looking", total=None, pace=""), time.monotonic()

        def progress(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, pace=_pace(done, total, time.monotonic() - began))

        # Beside the bar it would be cut off.
        yield Told(progress, lambda: bar.console.print(PREPARING))


def _pace(done: int, total: int, seconds: float) -> str:
    """Rate and time left. The columns that rich has for this begin anew whenever the total is known better."""
    from rich.filesize import decimal

    if not done or seconds < 0.1:
        return ""
    return f"{decimal(int(done / seconds))}/s {timedelta(seconds=round(seconds * max(0, total - done) / done))}"


def preparing() -> None:
    """Say it without a bar."""
    if sys.stderr.isatty():
        click.echo(PREPARING, err=True)
