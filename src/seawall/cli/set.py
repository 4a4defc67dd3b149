"""`seawall set`: changes a setting of the running site, and of seawall.toml."""

import contextlib
import fcntl
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from seawall.cli.changes import follow, tell_limits
from seawall.control import client
from seawall.errors import SeawallError
from seawall.paths import Paths, locate


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

    seawall set servers.memory ""                 no longer set, where a setting needs no value

    It stays until `seawall down`, or until seawall.toml changes the same setting; with --save, for ever.
    """
    paths = locate(project)
    if not save:
        done = _set(paths, key, value)
        click.echo(f"To keep it after `seawall down`, say --save, or {_by_hand(key, value)}")
    else:
        with _one_at_a_time(paths):
            try:
                done = _set(paths, key, value)
            except KeyboardInterrupt:
                click.echo(f"{paths.settings} is left as it is.", err=True)
                raise
            _save(paths.settings, key, value)
            client.ask(paths, "saved", key=key, value=value)
    sys.exit(0 if done else 1)


def _set(paths: Paths, key: str, value: str) -> bool:
    """Returns whether it is in effect."""
    from seawall.config.live import unsets

    answers = client.stream(paths, "set", key=key, value=value)
    told = next(answers)
    last = follow(answers, told)
    click.echo(f"{key} is no longer set." if unsets(key, value) else f"{key} is now {value}.")
    tell_limits(last)
    return bool(last["in_effect"])


def _save(path: Path, key: str, value: str) -> None:
    from seawall.config.save import save

    try:
        save(path, key, value)
    except SeawallError as error:
        remedy = f"{error.remedy}\nOr do it yourself: {_by_hand(key, value)}".lstrip()
        raise type(error)(error.problem, remedy) from error
    click.echo(f"{path} says so too.")


def _by_hand(key: str, value: str) -> str:
    from seawall.config.save import lines

    wanted = lines(key, value)
    if not wanted:
        return f"take {key} out of seawall.toml."
    return "\n".join(["write it in seawall.toml:", *(f"  {line}" for line in wanted)])


@contextlib.contextmanager
def _one_at_a_time(paths: Paths) -> Iterator[None]:
    """What was set last is to be what the file says. The lock ends with us; where no site runs there is no folder."""
    with contextlib.ExitStack() as held:
        with contextlib.suppress(FileNotFoundError):
            folder = os.open(paths.runtime, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            held.callback(os.close, folder)
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
