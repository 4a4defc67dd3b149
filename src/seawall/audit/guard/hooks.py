"""The hooks: put where git looks for them, after those that are there, never instead of them."""

import contextlib
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from seawall.audit.guard.changes import setting, top
from seawall.errors import SeawallError
from seawall.program import command

MARK = "# By `seawall secrets guard install`; `seawall secrets guard uninstall` takes it away."
OTHERS = ".before-seawall"  # added to the name of a hook that was there: ours calls it first

_COMMANDS = {
    "pre-commit": "--staged",
    "commit-msg": '--commit-msg "$1"',
    "pre-push": '--push "$1"',
}
_SCRIPT = """#!/bin/sh
{mark}
other="$0{others}"
{run}
"""
_RUN = """if [ -x "$other" ]; then "$other" "$@" || exit $?; fi
{guard}"""
_RUN_PUSH = """lines=$(cat)
if [ -x "$other" ]; then printf '%s\\n' "$lines" | "$other" "$@" || exit $?; fi
printf '%s\\n' "$lines" | {guard}"""
_UNSAFE, _SAFE = " -m seawall secrets guard ", " -E -P -m seawall secrets guard "
_FRAMEWORK = """\
repos:
  - repo: (where Seawall's source is)
    rev: (its version)
    hooks:
      - id: seawall-secrets
      - id: seawall-secrets-message  # needs: pre-commit install --hook-type commit-msg
      - id: seawall-secrets-push  # needs: pre-commit install --hook-type pre-push
"""


class HooksInTheWay(SeawallError):
    """Other hooks are there that ours cannot be put beside."""

    exit_code = 2


class HooksUnusable(SeawallError):
    """Hooks cannot be written here, or would never run."""

    exit_code = 2


@contextlib.contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        problem = f"{error.filename or folder} cannot be changed: {error.strerror}."
        raise HooksUnusable(problem, f"See who may write there: ls -ld {shlex.quote(str(folder))}") from error


def install() -> list[Path]:
    """Write the hooks; what was written.

    Raises HooksInTheWay, saying what to add to which file instead, and HooksUnusable.
    """
    if setting("rev-parse", "--is-bare-repository").strip() == b"true":
        raise HooksUnusable(
            "This is a bare repository: nothing is committed here.", "Install the guard where people commit."
        )
    _check_program()
    folder = _folder()
    with _writing(folder):
        return _install(folder)


def _install(folder: Path) -> list[Path]:
    written = [folder / name for name in _COMMANDS]
    for hook in written:
        _check(hook)
    folder.mkdir(parents=True, exist_ok=True)
    for hook in written:
        if hook.exists() and not _ours(hook):
            hook.rename(hook.with_name(hook.name + OTHERS))
        _write(hook, _script(hook.name))
    return written


def _write(hook: Path, script: str) -> None:
    """At once: the shell may be running the one that is there."""
    beside = hook.with_name(f"{hook.name}.{os.getpid()}")
    beside.write_text(script)
    beside.chmod(0o755)
    beside.replace(hook)


def _check_program() -> None:
    """Raise HooksUnusable where a hook would not find Seawall."""
    if subprocess.run(command("--version"), cwd="/", capture_output=True, check=False).returncode:
        raise HooksUnusable(
            f"{sys.executable} finds Seawall only by PYTHONPATH or in this folder, where a hook must not look.",
            "Install it: pip install seawall, best into a virtual environment.",
        )


def renew() -> list[Path]:
    """Correct those of ours that 0.1.0 wrote; which these are. Raises HooksUnusable.

    They ran `python -m seawall`, which imports from the work tree. Only the start differs.
    """
    folder = _folder()
    with _writing(folder):
        old = [hook for hook in (folder / name for name in _COMMANDS) if hook.is_file() and _imports_work_tree(hook)]
        for hook in old:
            _write(hook, hook.read_text().replace(_UNSAFE, _SAFE))
    return old


def _imports_work_tree(hook: Path) -> bool:
    return _ours(hook) and _UNSAFE in hook.read_text(errors="replace")


def uninstall() -> list[Path]:
    """Take ours away and put back what was there; what was taken away."""
    folder = _folder()
    with _writing(folder):
        removed = [hook for hook in (folder / name for name in _COMMANDS) if hook.exists() and _ours(hook)]
        for hook in removed:
            other = hook.with_name(hook.name + OTHERS)
            other.replace(hook) if other.exists() else hook.unlink()
    return removed


def _folder() -> Path:
    """Also of a linked work tree, and with core.hooksPath."""
    if path := _configured():
        return top() / path
    return Path(os.fsdecode(setting("rev-parse", "--git-path", "hooks")).strip()).absolute()


def _configured() -> str:
    """core.hooksPath; relative to the top folder, where hooks run."""
    return os.fsdecode(_try("config", "--type=path", "core.hooksPath")).strip()


def _ours(hook: Path) -> bool:
    return MARK in hook.read_text(errors="replace")


def _check(hook: Path) -> None:
    if hook.is_symlink() or (hook.exists() and not hook.is_file()):
        raise HooksInTheWay(f"{hook} is no ordinary file.", f"Add to what it stands for: {guard(hook.name)}")
    text = hook.read_text(errors="replace") if hook.exists() else ""
    if MARK in text:
        return
    if "generated by pre-commit" in text:
        raise HooksInTheWay(
            f"{hook} belongs to the pre-commit framework.", "Add to .pre-commit-config.yaml:", _FRAMEWORK
        )
    if _shared(hook.parent):
        raise HooksInTheWay(
            f"core.hooksPath is {hook.parent}, {_whose(hook.parent)}.",
            "\n".join(f"Add to {path}: {line}" for path, line in _lines(hook.parent)),
        )


def _shared(folder: Path) -> bool:
    """Whether the folder is not the repository's own: husky's, one under version control, one for all repositories."""
    return bool(_configured()) and folder.parent.name != ".git"


def _whose(folder: Path) -> str:
    if top() in folder.parents:
        return "in this work tree, where hooks are the project's, not yours alone"
    return "outside this repository, so other repositories may use it too"


def _try(*arguments: str) -> bytes:
    try:
        return setting(*arguments)
    except SeawallError:  # no such setting
        return b""


def _lines(folder: Path) -> Iterator[tuple[Path, str]]:
    """husky 9 keeps its own programs in .husky/_ and the user's beside it."""
    folder = folder.parent if folder.name == "_" and folder.parent.name == ".husky" else folder
    for name, arguments in _COMMANDS.items():
        yield folder / name, f"seawall secrets guard {arguments}"


def guard(name: str) -> str:
    """The command for a hook. By the interpreter's path: a hook may run where PATH does not lead to Seawall."""
    return f"{shlex.join(command('secrets', 'guard'))} {_COMMANDS[name]}"


def _script(name: str) -> str:
    run = (_RUN_PUSH if name == "pre-push" else _RUN).format(guard=guard(name))
    return _SCRIPT.format(mark=MARK, others=OTHERS, run=run)
