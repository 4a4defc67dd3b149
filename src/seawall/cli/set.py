"""`seawall set`: changes a setting of the running site, and of seawall.toml."""

import sys
from pathlib import Path

import click

from seawall.cli.changes import follow, tell_limits
from seawall.control import client
from seawall.errors import SeawallError
from seawall.paths import locate


@click.command("set")
@click.argument("key")
@click.argument("value")
@click.option("--save", is_flag=True, help="Write it into seawall.toml too, whose comments stay.")
@click.pass_obj
def set_command(project: Path, key: str, value: str, save: bool) -> None:
    """Change a setting of the running site, without failing a request.

    \b
    seawall set balancer.strategy round-robin     or random, least-connections
    seawall set servers.min 4                     how many servers at least
    seawall set servers.concurrency 8             requests each works on at a time
    seawall set servers.request_timeout 20        or whatever `reload` can apply

    It stays until `seawall down`, or until seawall.toml changes the same setting; with --save, for ever.
    """
    paths = locate(project)
    answers = client.stream(paths, "set", key=key, value=value)
    told = next(answers)
    last = follow(answers, told)
    click.echo(f"{key} is now {value}.")
    tell_limits(last)
    if save:
        _save(paths.settings, key, value)
        client.ask(paths, "saved", key=key)
    else:
        from seawall.config.save import lines

        click.echo("To keep it after `seawall down`, say --save, or write it in seawall.toml:")
        click.echo("\n".join(f"  {line}" for line in lines(key, value)))
    sys.exit(0 if last.get("in_effect", True) else 1)


def _save(path: Path, key: str, value: str) -> None:
    from seawall.config.save import lines, save

    try:
        save(path, key, value)
    except SeawallError as error:
        wanted = "\n".join(f"  {line}" for line in lines(key, value))
        raise type(error)(error.problem, f"{error.remedy}\nOr write there yourself:\n{wanted}".lstrip()) from error
    click.echo(f"{path} says so too.")
