"""`seawall trust`: makes browsers and programs on this machine trust the local certificate authority."""

import os
import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seawall.errors import SeawallError

if TYPE_CHECKING:
    from seawall.tls.authority import Authority
    from seawall.tls.trust import Commands, Store

ABOUT = """\
The certificate of this site is signed by an authority that exists on this machine only. Until a browser is told to
trust it, it warns. Its key is readable by you alone. It can sign for names of this machine and of local networks
{more}and for nothing else on the internet.

  certificate  {certificate}
  SHA-256      {fingerprint}
"""


@click.command("trust")
@click.option("--print", "only_print", is_flag=True, help="Only show where the authority is and its fingerprint.")
@click.option("--remove", is_flag=True, help="Take the authority out again.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def trust_command(project: Path, only_print: bool, remove: bool, yes: bool) -> None:
    """Make browsers and programs on this machine trust the local certificate authority.

    What needs privileges you do not have is printed, not done. On other machines: copy the certificate there and
    import it as an authority for websites.
    """
    from seawall.config import load
    from seawall.paths import locate
    from seawall.tls import trust
    from seawall.tls.authority import ensure_authority

    domains = load(locate(project).settings).https.domains
    authority = ensure_authority(domains)
    authority.issuer()  # complains if it is damaged
    _explain(authority, domains)
    if only_print:
        return
    if advice := trust.hint():
        click.echo(advice)
    todo = [store for store in trust.stores(Path.home()) if store.trusts(authority) == remove]
    if not todo:
        click.echo("Nothing trusts it." if remove else "Nothing else here needs to be told.")
        return
    doable = [store for store in todo if os.getuid() == 0 or not store.needs_root]
    for store in doable:
        question = f"{'Remove it from' if remove else 'Add it to'} {store.readers}?"
        if yes or click.confirm(question):
            _run(_commands(store, authority, remove), store)
    for store in todo:
        if store not in doable:
            _print(_commands(store, authority, remove), store)


def _explain(authority: "Authority", domains: tuple[str, ...]) -> None:
    from seawall.tls import names, trust

    click.echo(
        ABOUT.format(
            more="".join(f"and for {name} " for name in names.foreign(domains)),
            certificate=authority.certificate,
            fingerprint=trust.fingerprint(authority),
        )
    )


def _commands(store: "Store", authority: "Authority", remove: bool) -> "Commands":
    return store.remove(authority) if remove else store.add(authority)


def _run(commands: "Commands", store: "Store") -> None:
    from seawall.tls.trust import search_path

    for command in commands:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PATH": search_path()},
            check=False,
        )
        if done.returncode:
            raise SeawallError(f"`{shlex.join(command)}` failed.", detail=done.stdout + done.stderr)
    click.echo(f"✓ {store.readers}")


def _print(commands: "Commands", store: "Store") -> None:
    click.echo(f"For {store.readers}, which needs root:")
    for command in commands:
        click.echo(f"  sudo {shlex.join(command)}")
