"""The repository as it will be, made beside the one that is: nothing in that is touched."""

import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from seawall.audit.history.files import administrative
from seawall.audit.history.git import Repository
from seawall.audit.history.wipe.clean import overwritten
from seawall.audit.history.wipe.contents import Pack, Rewritten, empty
from seawall.audit.history.wipe.literals import Literals
from seawall.audit.history.wipe.plan import Plan

UNFINISHED = "seawall-wipe-unfinished"  # a file in the new repository until all is done

# Made anew, or about what is past.
_LEFT = {UNFINISHED, "objects", "refs", "packed-refs", "logs", "index", "COMMIT_EDITMSG", "ORIG_HEAD", "FETCH_HEAD",
         "MERGE_MSG", "SQUASH_MSG", "TAG_EDITMSG", "NOTES_EDITMSG", "EDIT_DESCRIPTION", "AUTO_MERGE", "gc.log",
         "gc.pid", "filter-repo", "rr-cache", "fsmonitor--daemon.ipc", "shallow"}  # fmt: skip

Step = Callable[[str], None]  # told what is done next; may raise


def stage(
    plan: Plan, done: Rewritten, pack: Pack, folder: Path, literals: Literals, files: bool, step: Step
) -> Repository:
    """Make the new repository in `folder`, whole and independent. `files`: also clean git's own, such as its config."""
    old = plan.repository
    new = Repository(folder, folder, folder, None)
    step("copying settings")
    copy(old.common_dir, folder)
    empty(folder)
    borrowed = folder / "objects" / "info" / "alternates"
    borrowed.write_text(f"{old.common_dir / 'objects'}\n")
    step("storing what changed")
    pack.store(new)
    _refs(plan, done, folder, literals)
    step("packing")
    new.run("-c", "repack.writeBitmaps=false", "-c", "gc.cruftPacks=false", "repack", "-a", "-d", "-q")
    borrowed.unlink()
    new.run("rev-list", "--objects", "--all", "--reflog", "--quiet", "--count")  # fails if anything is missing
    step("writing the index")
    _index(old, plan, new)
    if files:
        clean_files(new, literals)
    _give(folder, old.common_dir.stat())
    return new


def _give(folder: Path, owner: os.stat_result) -> None:
    """To whom the old one belongs: root may be at work in the repository of a server's user."""
    if os.getuid() == 0 and (owner.st_uid, owner.st_gid) != (0, 0):
        for root, _, names in os.walk(folder):
            for path in (root, *(os.path.join(root, name) for name in names)):
                os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def copy(source: Path, target: Path) -> None:
    """Git's own files. Objects of submodules and of LFS never change in place: a second name will do."""
    target.mkdir(mode=0o700)
    shutil.copymode(source, target)
    for each in source.iterdir():
        if each.name in _LEFT or each.name.endswith(".lock"):
            continue
        if each.is_dir() and not each.is_symlink():
            large = each.name in ("modules", "lfs")
            shutil.copytree(each, target / each.name, symlinks=True, copy_function=_link if large else shutil.copy2)
        elif each.is_symlink() or each.is_file():
            shutil.copy2(each, target / each.name, follow_symlinks=False)


def _link(source: str, target: str) -> None:
    if os.path.islink(source) or "objects" not in Path(source).parts:
        shutil.copy2(source, target, follow_symlinks=False)
        return
    try:
        os.link(source, target)
    except OSError:  # a file system without second names
        shutil.copy2(source, target)


def _refs(plan: Plan, done: Rewritten, folder: Path, literals: Literals) -> None:
    lines = []
    for ref in plan.refs:
        name = _ref(ref.name, literals, done)
        if ref.symbolic:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"ref: {_ref(ref.symbolic, literals, done)}\n", "utf-8", "surrogateescape")
        elif name == "HEAD":
            (folder / "HEAD").write_text(f"{done.name(ref.object)}\n")
        else:
            lines.append(f"{done.name(ref.object)} {name}\n")
    # git looks refs up by halving: they have to be sorted as bytes
    lines.sort(key=lambda line: os.fsencode(line.split(" ", 1)[1]))
    (folder / "packed-refs").write_bytes(b"# pack-refs with: sorted\n" + os.fsencode("".join(lines)))
    _head(folder, literals, done)
    if plan.stash:
        log = folder / "logs" / "refs" / "stash"
        log.parent.mkdir(parents=True)
        log.write_bytes(b"".join(_stash_line(line, literals, done) for line in plan.stash))


def _ref(name: str, literals: Literals, done: Rewritten) -> str:
    """Also of refs/replace, whose names are those of objects."""
    new = os.fsdecode(overwritten(literals, os.fsencode(name)))
    above, _, last = new.rpartition("/")
    return f"{above}/{done.name(last)}" if above == "refs/replace" else new


def _head(folder: Path, literals: Literals, done: Rewritten) -> None:
    head = (folder / "HEAD").read_text("utf-8", "surrogateescape")
    if head.startswith("ref: "):
        (folder / "HEAD").write_text(f"ref: {_ref(head[5:].strip(), literals, done)}\n", "utf-8", "surrogateescape")


def _stash_line(line: str, literals: Literals, done: Rewritten) -> bytes:
    before, after, rest = line.split(" ", 2)
    text = overwritten(literals, rest.encode("utf-8", "surrogateescape"))
    return f"{done.name(before)} {done.name(after)} ".encode() + text + b"\n"


def _index(old: Repository, plan: Plan, new: Repository) -> None:
    """The old one with the entries that changed, so that git need not read the whole work tree again."""
    if not (old.git_dir / "index").exists():
        return
    shutil.copy2(old.git_dir / "index", new.git_dir / "index")
    lines = [f"0 {'0' * len(name)}\t{path}\0" for _, name, path in changes(old, new, removed=True)]
    lines += [f"{mode} {name}\t{path}\0" for mode, name, path in changes(old, new)]
    new.run("update-index", "-z", "--index-info", input=os.fsencode("".join(lines)))


def changes(old: Repository, new: Repository, removed: bool = False) -> list[tuple[str, str, str]]:
    """Mode, object and path of what is otherwise in the new HEAD than in the old; with `removed`, of what is gone."""
    before, after = _files(old), _files(new)
    if removed:
        return [(*before[path], path) for path in before if path not in after]
    return [(*entry, path) for path, entry in after.items() if before.get(path) != entry]


def _files(repository: Repository) -> dict[str, tuple[str, str]]:
    listed = repository.try_run("ls-tree", "-r", "-z", "--full-tree", "HEAD").split(b"\0")
    found = {}
    for entry in filter(None, listed):
        head, _, path = entry.partition(b"\t")
        mode, _, name = head.decode().split()
        found[os.fsdecode(path)] = mode, name
    return found


def clean_files(repository: Repository, literals: Literals) -> None:
    """Git's own files, such as its config, without the secrets."""
    for path in holding(repository, literals):
        content, mode = path.read_bytes(), path.stat().st_mode
        path.unlink()  # it may have a second name: see _link
        path.write_bytes(overwritten(literals, _without_user(literals, content)))
        path.chmod(mode)


def holding(repository: Repository, literals: Literals) -> Iterable[Path]:
    """Git's own files that hold a secret. Not those of LFS: their names are their checksums."""
    for _, path in administrative(repository):
        if repository.common_dir / "lfs" in path.parents:
            continue
        if not path.is_symlink() and overwritten(literals, content := path.read_bytes()) != content:
            yield path


def _without_user(literals: Literals, config: bytes) -> bytes:
    """`https://user:token@host` becomes `https://host`: git then asks for a password, instead of sending `xxx`."""
    lines = []
    for line in config.splitlines(keepends=True):
        before, scheme, rest = line.partition(b"://")
        user, at, host = rest.partition(b"@")
        lines.append(before + scheme + host if at and literals.scan_all(user)[0] else line)
    return b"".join(lines)
