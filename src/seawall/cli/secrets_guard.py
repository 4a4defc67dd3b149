"""`seawall secrets guard`: stops the next credential, as a hook of git."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from seawall.audit.finding import Finding
    from seawall.audit.guard.look import New

SHOWN = 20  # findings


@click.group("guard", invoke_without_command=True)
@click.option("--staged", is_flag=True, help="What is about to be committed (pre-commit).")
@click.option("--commit-msg", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="This message.")
@click.option("--push", metavar="REMOTE", help="What is about to be pushed; reads stdin as the pre-push hook gets it.")
@click.option("--range", "revisions", metavar="A..B", help="What the commits in A..B bring in, for CI.")
@click.pass_context
def guard_command(
    ctx: click.Context, staged: bool, commit_msg: Path | None, push: str | None, revisions: str | None
) -> None:
    """Look at what is new, and only at that, in milliseconds; say nothing where nothing is found.

    \b
    seawall secrets guard install     puts it into this repository's hooks

    What was in the file before does not count, nor what the baseline accepts.

    \b
    Exit code: 0 nothing new   1 a credential   2 error   3 not all is here
    """
    if ctx.invoked_subcommand:
        return
    if not (staged or commit_msg or push is not None or revisions):
        raise click.UsageError("Say what to look at, such as --staged; or: seawall secrets guard install")
    if (staged or commit_msg is not None) + (push is not None) + bool(revisions) > 1:
        raise click.UsageError("What is committed, --push and --range are looked at one at a time.")
    from seawall.audit.guard.changes import top
    from seawall.audit.guard.fast import started_unsafely
    from seawall.audit.guard.look import not_accepted

    if started_unsafely():
        _renew()
    folder = top()
    found = _found(folder, staged, commit_msg, push, revisions)
    in_what = "range" if revisions else "push" if push is not None or _framework() else "commit"
    counted = not_accepted(found, folder, in_what != "commit") if found else []
    for_information = [each for each in counted if each[1].severity == "information"]
    if acute := [each for each in counted if each[1].severity != "information"]:
        _tell(acute, in_what, revisions or "")
    _tell_of_samples(for_information)
    if acute:
        sys.exit(1)


def _renew() -> None:
    from seawall.audit.guard.hooks import HooksUnusable, renew

    try:
        renewed = renew()
    except HooksUnusable as error:
        _say(f"seawall: the hooks of this repository may run its code. {error.problem} {error.remedy}", fg="red")
        return
    if renewed:
        names = ", ".join(hook.name for hook in renewed)
        _say(f"seawall: renewed {names}: hooks written by 0.1.0 could run code of the repository.")


def _found(folder: Path, staged: bool, commit_msg: Path | None, push: str | None, revisions: str | None) -> "list[New]":
    from seawall.audit.guard import changes
    from seawall.audit.guard.look import in_message, new
    from seawall.audit.secrets.ready import ready

    range_of_framework = _framework()
    if revisions:
        changes.whole()
    if revisions or range_of_framework:
        found = changes.ranged(revisions or range_of_framework)
    elif push is not None and (remote := os.environ.get("PRE_COMMIT_REMOTE_NAME")):
        found = changes.unpushed(remote)
    elif push is not None:
        found = changes.pushed(sys.stdin.buffer.read(), push)
    else:
        found = changes.staged() if staged else []
    if not found and not commit_msg:
        return []
    own = folder / ".seawall-rules.toml"
    scanner = ready([own] if own.exists() else [], _patience)
    message = in_message(scanner, commit_msg.read_bytes()) if commit_msg else []
    return new(scanner, found) + message


def _framework() -> str:
    """The pre-commit framework tells its hooks in the environment what is pushed, and stdin is empty."""
    before, after = os.environ.get("PRE_COMMIT_FROM_REF", ""), os.environ.get("PRE_COMMIT_TO_REF", "")
    return f"{before}..{after}" if before and after else ""


def _patience() -> None:
    click.echo("seawall: preparing the rules, once after each upgrade; this takes some seconds …", err=True)


def _tell(counted: "list[tuple[New, Finding]]", in_what: str, revisions: str) -> None:
    number = len(counted)
    these = f"what {_plain(revisions)} brings in" if revisions else f"this {in_what}"
    _say(f"seawall: {number} credential{'s' if number > 1 else ''} in {these}.", fg="red")
    for each, finding in counted[:SHOWN]:
        _tell_one(each, finding, [other.sighting.hit.secret for other, _ in counted])
    if number > SHOWN:
        _say(f"\n  … and {number - SHOWN} more")
    _say()
    if any(each.kind in FILES for each, _ in counted):
        _say(f"Take it out of the file and hand it to the program in its environment. {_REMEDIES[in_what]}")
    if any(each.kind not in FILES for each, _ in counted):
        _say(_MESSAGES[in_what])
    if in_what in _UNCHECKED:
        _say(f"Unchecked, this once: {_UNCHECKED[in_what]}")


def _tell_of_samples(found: "list[tuple[New, Finding]]") -> None:
    """A line each, as nobody has to act on them."""
    if not found:
        return
    lie = "1 lies" if len(found) == 1 else f"{len(found)} lie"
    _say(f"seawall: for information: {lie} among tests or documentation only; revoke what was not made for them.")
    for each, finding in found[:SHOWN]:
        _say(f"  {_where(each, [other.sighting.hit.secret for other, _ in found])}  {finding.title}")
    if len(found) > SHOWN:
        _say(f"  … and {len(found) - SHOWN} more")


def _tell_one(each: "New", finding: "Finding", beside: list[str]) -> None:
    from seawall.audit.mask import mask

    _say(f"\n  {_where(each, beside)}  {finding.title}  {mask(each.sighting.hit.secret)}")
    if each.sighting.within:
        _say(f"    in {', in '.join(reversed(each.sighting.within))}")
    _say(f"    to let it pass: seawall secrets accept {finding.fingerprint[:12]} --reason '…'")
    if finding.links:
        _say(f"    if it ever left this machine, revoke it: {finding.links[0]}")


def _where(each: "New", beside: list[str]) -> str:
    from seawall.audit.mask import mask_line

    of = f" of {each.object[:8]}" if each.object else ""
    where = _plain(mask_line(each.path, beside, width=4096)) or each.kind + of
    return f"{where}:{each.sighting.line}" if each.sighting.line else where


def _say(text: str = "", **style: str) -> None:
    click.secho(text, err=True, **style)  # type: ignore[arg-type]


FILES = ("file", "file name")
_REWRITE = "Then rewrite the commits: git rebase --interactive,\nor, if they are many: seawall secrets wipe."
_REWORD = "Take it out of the message: git commit --amend; of an older one: git rebase --interactive, and `reword`."
_REMEDIES = {
    "commit": "Then: git reset FILE, or git add FILE.",  # `git restore` fails before the first commit
    "push": _REWRITE,
    "range": _REWRITE,
}
_MESSAGES = {
    "commit": "Take it out of the message: git commit again, and edit it. What you wrote is in .git/COMMIT_EDITMSG.",
    "push": _REWORD,
    "range": _REWORD,
}
_UNCHECKED = {"commit": "git commit --no-verify", "push": "git push --no-verify"}


def _plain(text: str) -> str:
    """What a terminal would take for a command is shown as ?."""
    return "".join(character if character.isprintable() else "?" for character in text)


@guard_command.command("install")
def install_command() -> None:
    """Put the guard beside the hooks that are there."""
    from seawall.audit.guard.hooks import install
    from seawall.audit.secrets.ready import ready

    for hook in install():
        click.echo(f"✓ {hook}")
    ready((), _patience)  # so that the first commit does not wait


@guard_command.command("uninstall")
def uninstall_command() -> None:
    """Take it out of the hooks, and leave the others."""
    from seawall.audit.guard.hooks import uninstall

    removed = uninstall()
    for hook in removed:
        click.echo(f"removed {hook}")
    if not removed:
        click.echo("No hook here is Seawall's.")
