"""Notes stand in trees under the name of the object they are about, which changes with it."""

from collections.abc import Iterator
from typing import Any

from seawall.audit.history.git import Repository
from seawall.audit.history.wipe.clean import overwritten
from seawall.audit.history.wipe.contents import TREE, Pack, Rewritten, contents, entries, written
from seawall.audit.history.wipe.literals import Literals
from seawall.audit.history.wipe.plan import Plan


def commits(plan: Plan) -> dict[str, None]:
    """Commits that only refs/notes lead to, parents first, put into the plan: the names in all of them may change."""
    notes = [ref.object for ref in plan.refs if ref.name.startswith("refs/notes/")]
    if not notes or not plan.commits:
        return {}
    others = [ref.object for ref in plan.refs if not ref.name.startswith("refs/notes/")]
    asked = "\n".join([*notes, *(f"^{name}" for name in others)]).encode()
    names = plan.repository.run("rev-list", "--topo-order", "--reverse", "--stdin", input=asked).decode().split()
    plan.commits.update(contents(plan.repository, [name for name in names if name not in plan.commits]))
    return dict.fromkeys(names)


def renamed(repository: Repository, tree: str, done: Rewritten, literals: Literals, pack: Pack) -> str:
    """The tree with each note at the new name of what it is about, in folders as deep as before."""
    root: dict[bytes, Any] = {}
    for folders, mode, raw in _files(repository, tree, ()):
        whole = b"".join(folders).decode("latin-1")
        new = done.name(whole).encode("latin-1") if len(whole) == len(tree) else b""
        *above, name = _split(new, folders) if new else [overwritten(literals, each) for each in folders]
        inside = root
        for folder in above:
            inside = inside.setdefault(folder, {})
        inside[name] = mode, bytes.fromhex(done.name(raw.hex()))
    return _put(root, pack)


def _files(
    repository: Repository, tree: str, above: tuple[bytes, ...]
) -> Iterator[tuple[tuple[bytes, ...], bytes, bytes]]:
    content = next(contents(repository, [tree]))[1]
    for mode, name, raw in entries(content, len(tree) // 2):
        if mode == TREE:
            yield from _files(repository, raw.hex(), (*above, name))
        else:
            yield (*above, name), mode, raw


def _split(name: bytes, like: tuple[bytes, ...]) -> Iterator[bytes]:
    at = 0
    for each in like:
        yield name[at : at + len(each)]
        at += len(each)


def _put(folder: dict[bytes, Any], pack: Pack) -> str:
    new = []
    for name, each in folder.items():
        mode, raw = (TREE, bytes.fromhex(_put(each, pack))) if isinstance(each, dict) else each
        new.append((mode, name, raw))
    return pack.add("tree", written(new))
