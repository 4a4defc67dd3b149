"""`seawall secrets wipe`: takes credentials out of the whole history."""

import contextlib
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from seawall.cli.secrets_progress import preparing
from seawall.errors import SeawallError, StateUnusable

if TYPE_CHECKING:
    from seawall.audit.history.git import Repository
    from seawall.audit.history.places import Credential
    from seawall.audit.history.wipe.run import Outcome, Survey
    from seawall.audit.history.wipe.targets import AnyRule
    from seawall.audit.secrets.scanner import Scanner

PATIENCE = 2.0  # seconds of silence before progress is shown
SHOWN = 20  # commits or places listed
STDIN = ("<stdin>", "/dev/stdin")  # what click and people call it
Step = Callable[[str], None]


_ACCEPTED = (
    "the baseline accepts all that is found. What is to go all the same: take its line out of .seawall-baseline."
)


@click.command("wipe")
@click.argument("path", type=click.Path(exists=True, file_okay=False, path_type=Path), default=".")
@click.option("--rule", "only", multiple=True, help="Only what this rule finds, such as github-token.")
@click.option("--finding", "fingerprints", multiple=True, help="Only the finding with this fingerprint.")
@click.option("--secrets-file", type=click.File("rb"), help="Instead: the secrets themselves, one a line; - for stdin.")
@click.option("--rules", multiple=True, type=click.Path(dir_okay=False, path_type=Path), help="More rules, as TOML.")
@click.option("--dry-run", is_flag=True, help="Show which commits would change, and touch nothing.")
@click.option("--backup", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Folder for the backup.")
@click.option("--yes", is_flag=True, help="Do not ask, also not about git's own files such as its config.")
def wipe_command(
    path: Path,
    only: tuple[str, ...],
    fingerprints: tuple[str, ...],
    secrets_file: IO[bytes] | None,
    rules: tuple[Path, ...],
    dry_run: bool,
    backup: Path | None,
    yes: bool,
) -> None:
    """Take credentials out of every version of everything in the repository at PATH.

    All that `seawall secrets scan` finds and the baseline does not accept, or
    what you choose. Only what holds one is rewritten, and what comes after it;
    the original is kept as a backup. The new repository takes its place only
    after a scan of all of it, decoded, finds none of them.

    \b
    Exit code: 0 done, or nothing to do   1 something remains
               2 error or refused         3 part of the history is not here
    """
    if secrets_file and secrets_file.name in STDIN and not (yes or dry_run):
        raise click.UsageError("With the secrets on stdin no question can be answered: add --yes, or give a file.")
    from seawall.audit.history.wipe.run import backup_path, opened, survey, wipe
    from seawall.audit.history.wipe.targets import given, targets
    from seawall.audit.secrets.ready import ready
    from seawall.audit.top import own_rules, top_folder

    with opened(path, changing=not dry_run) as repository:
        target = backup_path(repository, backup, datetime.now())
        with _untouched(), _progress() as step:
            by_rules = ready(own_rules(top_folder(path), rules), preparing)
            step("looking for credentials")
            if secrets_file:
                found, kept = given(secrets_file.read()), None
            else:
                found, kept = _found(path, by_rules, only, fingerprints)
            surveyed = survey(repository, targets(found), by_rules, step, kept) if found else None
        if surveyed is None or surveyed.nothing:
            click.echo(f"Nothing to wipe: {_ACCEPTED if kept else 'no such credential is in this repository.'}")
            _remains([], surveyed)
            return
        _show(surveyed)
        if dry_run:
            click.echo("\nNothing was changed: this was a dry run.")
            return
        with _untouched():
            own_files = _confirmed(repository, surveyed, yes)
        with _untouched(), _progress() as step:
            outcome = wipe(surveyed, target, own_files, step, _line)
        _conclude(surveyed, outcome)


def _found(
    path: Path, by_rules: "Scanner", only: tuple[str, ...], fingerprints: tuple[str, ...]
) -> "tuple[list[tuple[str, AnyRule]], frozenset[str] | None]":
    """What is to be wiped; and, if that is everything, what the baseline lets stay."""
    from seawall.audit.history.scan import scan
    from seawall.audit.history.wipe.targets import accepted, chosen

    scanned = scan(path, by_rules)
    kept = accepted(path, scanned)
    scanned.credentials = [each for each in scanned.credentials if each.secret not in kept]
    return chosen(scanned, only, fingerprints), None if only or fingerprints else kept


def _show(surveyed: "Survey") -> None:
    plan = surveyed.plan
    from seawall.audit.history.wipe.refuse import counted

    click.secho(counted(len(surveyed.found), "credential", "credentials"), bold=True)
    for each in surveyed.found:
        click.echo(f"  {_line(each)}")
    changes = "changes" if len(plan.commits) == 1 else "change"
    click.secho(f"\n{len(plan.commits)} of {counted(plan.history, 'commit', 'commits')} {changes}", bold=True)
    for name in list(plan.commits)[:SHOWN]:
        click.echo(f"  {name[:12]} {_subject(surveyed, name)}")
    if len(plan.commits) > SHOWN:
        click.echo(f"  … and {len(plan.commits) - SHOWN} more: all that come after these")
    click.secho("\n" + counted(len(plan.tips), "ref", "refs"), bold=True)
    for ref in plan.tips[:SHOWN]:
        click.echo(f"  {_masked(surveyed, ref.name)}{' (renamed)' if ref.name in plan.renamed else ''}")
    if len(plan.tips) > SHOWN:
        click.echo(f"  … and {len(plan.tips) - SHOWN} more")
    for file in surveyed.own_files:
        click.echo(f"  {file}")
    for folder, there in surveyed.submodules.items():
        what = counted(len(there), "credential", "credentials")
        click.secho(f"Not wiped from here: {what} in the repository of the submodule {folder}", fg="yellow")
    for gap in surveyed.gaps:
        click.secho(f"Not looked at: {gap.what} {gap.remedy}", fg="yellow")


def _line(credential: "Credential") -> str:
    from seawall.audit.history.wipe.refuse import counted
    from seawall.audit.mask import mask, mask_line

    first = credential.places[0]
    where = mask_line(first.path, [credential.secret]) or first.kind
    others = len(credential.places) - 1
    more = f" and {counted(others, 'more place', 'more places')}" if others else ""
    commit = f", commit {first.commit[:12]}" if first.commit else ""
    return f"{credential.rule.description}, {mask(credential.secret)}: {where}{commit}{more}"


def _subject(surveyed: "Survey", commit: str) -> str:
    message = surveyed.plan.commits[commit].partition(b"\n\n")[2].split(b"\n")[0].decode(errors="replace")
    return _masked(surveyed, message)


def _masked(surveyed: "Survey", text: str) -> str:
    from seawall.audit.mask import mask_line

    return mask_line(text, (target.secret for target in surveyed.literals.targets))


def _confirmed(repository: "Repository", surveyed: "Survey", yes: bool) -> bool:
    """Ask for the repository's name, and whether git's own files may be changed. Raises click.Abort, Refused."""
    from seawall.audit.history.wipe.refuse import Refused

    if yes:
        return True
    name = (repository.work_tree or repository.common_dir).name
    click.echo("\nEverybody who has a clone will have to clone anew. Rotate the credentials first.")
    question = f"To rewrite the history, type the repository's name ({name})"
    if click.prompt(question, default="", show_default=False) != name:
        raise Refused("That is not the name; nothing was changed.", f"It is {name}.")
    files = ", ".join(file.name for file in surveyed.own_files)
    return bool(files) and click.confirm(f"Also take them out of {files} (git may ask for a password then)?")


def _conclude(surveyed: "Survey", outcome: "Outcome") -> None:
    from seawall.audit.history.wipe.checklist import checklist
    from seawall.audit.history.wipe.refuse import counted

    text = checklist(surveyed, outcome)
    file = outcome.backup.with_suffix(".md")
    try:
        file.write_text(text, "utf-8")
    except OSError as error:
        raise StateUnusable(f"{file} cannot be written: {error.strerror}.", "The wipe is done.", text) from error
    click.echo(f"\n{text}\nThis list is also in {file}.")
    _remains(outcome.remaining, surveyed)
    rewritten = counted(len(outcome.done.new), "object was", "objects were")
    click.secho(f"Done: {rewritten} rewritten; a scan of everything finds none left.", fg="green")


def _remains(left: "list[Credential]", surveyed: "Survey | None") -> None:
    """Say what is left, and why. Raises SeawallError if anything is."""
    from seawall.audit.history.wipe.run import OWN_FILES

    modules = surveyed.submodules if surveyed else {}
    lines = [_line(each) for each in left]
    lines += [f"in {folder}: {_line(each)}" for folder, there in modules.items() for each in there]
    wipes = "\n".join(f"  seawall secrets wipe {shlex.quote(str(folder))}" for folder in modules)
    in_modules = f"Wipe in the submodules, then commit their new versions here:\n{wipes}" if modules else ""
    if any(place.kind not in OWN_FILES for each in left for place in each.places):
        raise SeawallError("Not done: credentials remain.", "Remove them by hand, then wipe again.", "\n".join(lines))
    if left:
        files = ", ".join(sorted({place.path for each in left for place in each.places}))
        raise SeawallError(
            f"The history is done. Credentials remain in git's own files, as you chose: {files}.",
            f"Take them out by hand, or wipe again and agree. {in_modules}".strip(),
            "\n".join(lines),
        )
    if modules:
        raise SeawallError("Credentials are in repositories of submodules.", in_modules, "\n".join(lines))


@contextlib.contextmanager
def _untouched() -> Iterator[None]:
    """Ctrl-C, or nobody is there to answer: the wipe leaves everything as it was, and that is said."""
    try:
        yield
    except (click.Abort, KeyboardInterrupt):
        click.echo("\nNothing was changed.", err=True)
        raise


@contextlib.contextmanager
def _progress() -> Iterator[Step]:
    """Says on stderr what is done, once it takes longer than a moment."""
    began = time.monotonic()
    shown = False

    def step(text: str) -> None:
        nonlocal shown
        if sys.stderr.isatty() and time.monotonic() - began > PATIENCE:
            click.echo(f"\r\033[K{text} ({time.monotonic() - began:.0f} s) …", nl=False, err=True)
            shown = True

    try:
        yield step
    finally:
        if shown:
            click.echo("\r\033[K", nl=False, err=True)
