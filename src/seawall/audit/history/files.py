"""The files that are no objects: the work tree's and git's own."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from seawall.audit.history.git import Repository
from seawall.errors import RepositoryUnusable

# Installed packages and caches: others wrote them, and a version of each is elsewhere.
LEFT_OUT = ("node_modules", ".venv", "venv", ".tox", ".nox", "site-packages", "__pycache__", ".mypy_cache",
            ".ruff_cache", ".pytest_cache", ".hypothesis")  # fmt: skip


def uncommitted(repository: Repository) -> list[Path]:
    """Files of the work tree that are not as in the index: changed, untracked, ignored. Sorted."""
    assert repository.work_tree is not None
    exclude = [f"--exclude={name}/" for name in LEFT_OUT]
    others = repository.run("ls-files", "-z", "--others", *exclude)
    names = {os.fsdecode(name) for name in others.split(b"\0") if name} | _changed(repository)
    top = repository.work_tree
    return [top / name for name in sorted(names) if _readable(top / name) and not _environment_above(top / name, top)]


_ENTRY = re.compile(rb"([^\0]+)\0  ctime: \S+\n  mtime: (\d+):(\d+)\n.*\n.*\n  size: (\d+)\t.*\n")


def _changed(repository: Repository) -> set[str]:
    """Tracked files that are not as the index remembers them. Git itself would run the repository's own filters."""
    assert repository.work_tree is not None
    changed = set()
    for path, seconds, nanoseconds, size in _ENTRY.findall(repository.run("ls-files", "--debug", "-z")):
        name = os.fsdecode(path)
        try:
            status = (repository.work_tree / name).lstat()
        except OSError:
            continue  # gone
        # The index keeps 32 bits of the size.
        remembered = int(seconds) * 10**9 + int(nanoseconds), int(size)
        if (status.st_mtime_ns, status.st_size & 0xFFFFFFFF) != remembered:
            changed.add(name)
    return changed


def content(path: Path) -> bytes:
    """What is in the file; of a symbolic link, where it leads. Raises OSError."""
    return os.fsencode(os.readlink(path)) if path.is_symlink() else path.read_bytes()


def _readable(path: Path) -> bool:
    """No device, no pipe, and no folder: ls-files names another repository in this one as a folder."""
    return path.is_symlink() or path.is_file()


def in_folder(folder: Path) -> list[Path]:
    """Files of a folder that is no work tree, sorted; or the one file. Raises RepositoryUnusable for other things."""
    if folder.is_file():
        return [folder]
    if not folder.is_dir():
        raise RepositoryUnusable(f"{folder} is neither a folder nor a file.", "Write it to a file, and scan that.")
    found = []
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in (*LEFT_OUT, ".git")]
        if "pyvenv.cfg" in names:
            folders.clear()
        found += [Path(root, name) for name in names]
    return sorted(path for path in found if _readable(path))


def _environment_above(path: Path, top: Path) -> bool:
    """Whether it belongs to a virtual environment, whatever that is called."""
    parents = path.relative_to(top).parents
    return any((top / parent / "pyvenv.cfg").exists() for parent in parents if parent.parts)


def administrative(repository: Repository) -> Iterator[tuple[str, Path]]:
    """Git's own files, each with what it is called in Place.kind; objects are not among them."""
    for folder in {repository.common_dir, repository.git_dir}:
        for root, folders, names in os.walk(folder):
            inside = Path(root).relative_to(folder)
            if inside.parts[:1] == ("modules",) and "objects" in folders:
                folders.clear()  # a submodule's repository, looked at by itself
                continue
            folders[:] = [
                name for name in folders if (inside / name).parts[-1] != "objects" or inside.parts[:1] == ("lfs",)
            ]
            for name in sorted(names):
                path = Path(root, name)
                if path.is_file() and name != "index":  # its names are asked of git
                    yield kind(inside / name), path


def kind(path: Path) -> str:
    """What one of git's own files is called in Place.kind; `path` is below its folder."""
    top = path.parts[0]
    if top == "logs" or "logs" in path.parts[:-1]:
        return "reflog"
    if top == "hooks":
        return "hook"
    return "config" if path.name in ("config", "config.worktree") else "git file"
