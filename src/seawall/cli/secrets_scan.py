"""`seawall secrets scan`: credentials in everything the repository holds."""

import contextlib
import errno
import gc
import os
import shlex
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from seawall.cli.secrets_progress import shown
from seawall.errors import ReportUnwritable, ScanEnded

STDOUT = Path("-")


@click.command("scan")
@click.argument("path", type=click.Path(exists=True, path_type=Path), default=".")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the report.")
@click.option(
    "--sarif", type=click.Path(dir_okay=False, path_type=Path), help="Write SARIF 2.1.0 to this file; - prints."
)
@click.option(
    "--html", type=click.Path(dir_okay=False, path_type=Path), help="Write one HTML page to this file; - prints."
)
@click.option("--all", "everything", is_flag=True, help="Show every finding, not only the worst.")
@click.option("--rules", multiple=True, type=click.Path(dir_okay=False, path_type=Path), help="More rules, as TOML.")
@click.option(
    "--baseline",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Instead of .seawall-baseline.",
)
@click.option("-j", "--processes", type=click.IntRange(1), help="How many at once. Without it: one a processor.")
def scan_command(
    path: Path,
    as_json: bool,
    sarif: Path | None,
    html: Path | None,
    everything: bool,
    rules: tuple[Path, ...],
    baseline: Path | None,
    processes: int | None,
) -> None:
    """Find credentials in every version of everything in the repository at PATH.

    PATH may also be a folder without git, or one file, which is looked at as it is now.

    All refs and what is in none any more, messages, names, notes, stashes,
    configuration, archives and encoded text, the work tree with untracked and
    ignored files. Secrets are masked in everything that is shown.

    \b
    Exit code: 0 nothing found   1 something found
               2 error           3 nothing found, but not all could be looked at
    Passwords, keys and hashes that lie among tests or documentation only are
    listed for information and do not make it 1; what vendors issue does.
    """
    from seawall.audit.history.ahead import begun as begun_ahead
    from seawall.audit.history.beginning import Beginning

    forms = {"json": STDOUT if as_json else None, "sarif": sarif, "html": html}
    printed = [form for form, file in forms.items() if file == STDOUT]
    if len(printed) > 1:
        raise click.UsageError(f"Only one report can be printed, not {' and '.join(printed)}. Write one to a file.")
    written = {form: file for form, file in forms.items() if file and file != STDOUT}
    _check_writable(list(written.values()))
    gc.disable()  # hundreds of thousands of names are kept until the end: looking for cycles among them takes its time
    with _allowed(), begun_ahead() as ahead:
        with shown() as told, Beginning(path, ahead, rules, processes) as begun:
            from seawall.audit.repository import Options, audit

            def progress(done: int, total: int) -> None:
                for form in (*written, *(printed or ["terminal"])):
                    _teller(form)  # imports it, while other processes read
                told.progress(done, total)

            report = audit(path, Options(rules, baseline, processes), progress, told.preparing, begun)
        for form, file in written.items():
            _write(file, _teller(form)(report))
        with _read_or_not():
            if printed:
                click.echo(_teller(printed[0])(report).rstrip("\n"))
            else:
                _teller("terminal")(report, everything)
            if not path.is_dir():
                _tell_of_history(path)
            sys.stdout.flush()
            sys.stderr.flush()
    from seawall.audit.run import exit_code

    # At once, as mypy does: to take a large heap apart, object by object, takes longer than the report did.
    os._exit(exit_code(report))


@contextlib.contextmanager
def _allowed() -> Iterator[None]:
    """Raise ScanEnded where the system allows no more: exit code 1 would say that something was found."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.EMFILE, errno.ENFILE, errno.EAGAIN):
            raise
        remedy = "Allow more files and processes: ulimit -n 256; ulimit -u unlimited"
        raise ScanEnded(f"The scan ended: {error.strerror}.", remedy) from error


_TELLERS = {"json": "as_json", "sarif": "as_sarif", "html": "as_html", "terminal": "show"}


def _teller(form: str) -> Callable[..., Any]:
    module = "as_json" if form == "json" else form
    teller: Callable[..., Any] = getattr(import_module(f"seawall.audit.report.{module}"), _TELLERS[form])
    return teller


@contextlib.contextmanager
def _read_or_not() -> Iterator[None]:
    """Who reads no more of the report has the exit code still; where it cannot be written, that is an error."""
    with contextlib.suppress(BrokenPipeError), _refusal(Path("The report")):
        yield


def _tell_of_history(file: Path) -> None:
    from seawall.audit.history import git

    if repository := git.find(file):
        top = shlex.quote(str(repository.work_tree or repository.git_dir))
        click.echo(f"This is the file as it is now. Its earlier versions: seawall secrets scan {top}", err=True)


def _check_writable(files: list[Path]) -> None:
    """Raise ReportUnwritable now, not after a scan of an hour."""
    if len({file.resolve() for file in files}) < len(files):
        raise click.UsageError("--sarif and --html name the same file.")
    for file in files:
        with _refusal(file):
            if _replaceable(file):
                beside = _beside(file)
                beside.touch()
                beside.unlink()
            elif not os.access(file, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _write(file: Path, text: str) -> None:
    """The whole file or none: what was there stays until then."""
    with _refusal(file):
        if not _replaceable(file):
            file.write_text(text, "utf-8")
            return
        beside = _beside(file)
        try:
            beside.write_text(text, "utf-8")
            beside.replace(file.resolve())
        finally:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)


def _replaceable(file: Path) -> bool:
    """Not /dev/stdout, whatever that is, or a pipe: those are written to."""
    special = file.exists() and file.absolute().parts[1] in ("dev", "proc")
    return not special and (file.is_file() or not file.exists())


def _beside(file: Path) -> Path:
    return file.resolve().with_name(f".seawall-report-{os.getpid()}")


@contextlib.contextmanager
def _refusal(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        problem = f"{file} cannot be written: {error.strerror}."
        raise ReportUnwritable(problem, "Name a file in a folder that is there and that you may write to.") from error
