"""Small git repositories for tests, made by git itself, whatever this machine's own git settings are."""

import os
import random
import subprocess
import zlib
from pathlib import Path

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
PERSON = b"Ada Byron <ada@analytical.test>"
WHEN = b"1700000000 +0100"
SETTINGS = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_DATE": WHEN.decode(),
    "GIT_COMMITTER_DATE": WHEN.decode(),
    "LC_ALL": "C.UTF-8",
}


def github_token(source: random.Random | None = None) -> str:
    """A made-up token whose last six characters are the right checksum, see seawall.audit.secrets.checksums."""
    body = "".join((source or random.SystemRandom()).choices(BASE62, k=30))
    number, digits = zlib.crc32(body.encode()), ""
    while number:
        number, digit = divmod(number, 62)
        digits = BASE62[digit] + digits
    return f"ghp_{body}{digits.rjust(6, '0')}"


def environment(**more: str) -> dict[str, str]:
    """The process's environment without what would lead git elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | SETTINGS | more


def git(repo: Path, *arguments: str, data: bytes = b"", **more: str) -> str:
    """What git prints, without the last newline. Raises CalledProcessError with git's own words in `stderr`."""
    command = ["git", "-C", str(repo), *arguments]
    done = subprocess.run(command, input=data, capture_output=True, check=True, env=environment(**more))
    return done.stdout.decode("utf-8", "surrogateescape").removesuffix("\n")


def new(path: Path, *options: str) -> Path:
    """A repository with two harmless commits on `main`, checked out."""
    path.mkdir(parents=True)
    git(path, "init", "-q", "-b", "main", *options)
    for name, value in (("user.name", "Ada Byron"), ("user.email", "ada@analytical.test"), ("gc.auto", "0")):
        git(path, "config", name, value)
    (path / "README.md").write_text("# An analytical engine\n\nIt weaves algebraic patterns.\n")
    git(path, "add", ".")
    git(path, "commit", "-q", "-m", "The engine")
    (path / "engine.py").write_text("def weave(cards: list[int]) -> int:\n    return sum(cards)\n")
    git(path, "add", ".")
    git(path, "commit", "-q", "-m", "It weaves")
    return path


# Commits made without touching the index or the work tree, as git-fast-import(1) reads them


def put(path: str, data: bytes, mode: str = "100644") -> bytes:
    return f"M {mode} inline {path}\ndata {len(data)}\n".encode() + data + b"\n"


def drop(path: str) -> bytes:
    return f"D {path}\n".encode()


def commit(
    ref: str,
    *changes: bytes,
    parents: tuple[str, ...] = ("refs/heads/main^0",),
    message: bytes = b"Work",
    author: bytes = PERSON,
    committer: bytes = PERSON,
) -> bytes:
    """A commit on `ref`. Without `parents` it follows the one before on the same ref, or is a root."""
    text = b"commit %s\nauthor %s %s\ncommitter %s %s\n" % (ref.encode(), author, WHEN, committer, WHEN)
    text += b"data %d\n%s\n" % (len(message), message)
    for word, parent in zip(("from", *["merge"] * len(parents)), parents, strict=False):
        text += f"{word} {parent}\n".encode()
    return text + b"".join(changes) + b"\n"


def add(repo: Path, *commits: bytes) -> None:
    git(repo, "fast-import", "--quiet", data=b"".join(commits))


def add_and_remove(repo: Path, path: str, data: bytes, mode: str = "100644", branch: str = "refs/heads/main") -> None:
    """A file that one commit brings and the next removes: it is in history only."""
    add(repo, commit(branch, put(path, data, mode)), commit(branch, drop(path), parents=()))


def blob(repo: Path, data: bytes) -> str:
    return git(repo, "hash-object", "-w", "--stdin", data=data)
