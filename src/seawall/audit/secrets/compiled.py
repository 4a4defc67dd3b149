"""Hyperscan databases, compiled once for each set of expressions and kept in the user's cache."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import hyperscan

HYPERSCAN: str = getattr(hyperscan, "__version__", "")  # asking importlib.metadata takes longer than all else

KEPT = 30 * 86400.0  # s
MULTILINE = hyperscan.HS_FLAG_MULTILINE  # `^` and `$` are a line's, as for `re`, which is given a line
FEW = 200  # expressions that are compiled in no time


def compiled(
    expressions: Sequence[bytes],
    with_starts: Sequence[bool],
    literals: Sequence[bytes],
    *,
    prefilter: bool = False,
    kept: bool = True,
) -> tuple[hyperscan.Database, Path]:
    """A database whose identifiers are positions in `expressions`, then in `literals`; and the file it is kept in.

    Matches have a start only where `with_starts` says so: it costs time. Compiling takes seconds, loading none.
    With `prefilter` more may match than the expressions say, which may then use what Hyperscan cannot do.
    """
    import hashlib  # takes longer than to load what is kept

    everything = [*expressions, *(_escaped(literal) for literal in literals)]
    flags = [
        MULTILINE | (hyperscan.HS_FLAG_SOM_LEFTMOST if start else 0) | (hyperscan.HS_FLAG_PREFILTER if prefilter else 0)
        for start in with_starts
    ]
    flags += [hyperscan.HS_FLAG_DOTALL] * len(literals)
    key = b"\0".join([HYPERSCAN.encode(), repr(flags).encode(), *everything])
    file = cache() / f"rules-{hashlib.sha256(key).hexdigest()[:32]}.hyperscan"
    if kept and (database := stored(file)):
        return database, file
    if len(everything) > FEW:
        content = _compiled_beside(everything, flags)
        database = _ready(hyperscan.loadb(content, hyperscan.HS_MODE_BLOCK))
    else:
        database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        database.compile(expressions=everything, ids=list(range(len(everything))), flags=flags)
        content = hyperscan.dumpb(database) if kept else b""
    if kept:
        keep(file, content)
    return database, file


def _compiled_beside(expressions: list[bytes], flags: list[int]) -> bytes:
    """The database, made by a process of its own, which ends with this one and on Ctrl-C; see compiling.py."""
    import pickle
    import subprocess

    done = subprocess.run(
        [sys.executable, "-I", str(Path(__file__).with_name("compiling.py"))],
        input=pickle.dumps((sys.path, expressions, flags)),
        capture_output=True,
        check=False,
        process_group=0,  # Ctrl-C comes to us, and we end it
    )
    if done.returncode:
        raise hyperscan.HyperscanError(done.stderr.decode(errors="replace").strip() or f"ended by {-done.returncode}")
    return done.stdout


def stored(file: Path) -> hyperscan.Database | None:
    """The database kept in `file`; None where it is not there, or from another processor."""
    try:
        return _ready(hyperscan.loadb(file.read_bytes(), hyperscan.HS_MODE_BLOCK))
    except (OSError, hyperscan.HyperscanError):
        return None


def _ready(database: hyperscan.Database) -> hyperscan.Database:
    database.scratch = hyperscan.Scratch(database)
    return database


def _escaped(literal: bytes) -> bytes:
    return b"".join(b"\\x%02x" % byte for byte in literal)


def cache() -> Path:
    """The user's cache folder, or none of theirs where they have no home."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(home):  # as its specification says: else a repository could bring a cache of its own
        home = os.path.expanduser("~/.cache")
    return Path(home) / "seawall"


def keep(file: Path, content: bytes) -> None:
    """Write it, and remove what was kept for other rules long ago. A cache that cannot be written costs time alone."""
    import tempfile
    import time

    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as temporary:
            temporary.write(content)
        os.replace(temporary.name, file)
        for other in file.parent.glob("rules-*"):
            if other.stat().st_mtime < time.time() - KEPT:
                other.unlink()
    except OSError:
        return
