"""New objects for those that hold a secret, and for everything that names them. All else keeps its name.

Not by git-filter-repo: through fast-export it loses signatures, merge tags and unusual modes of all commits, also of
those before the secret, and leaves notes at commits that are no more. Here an object changes only if it must.
"""

import re

from seawall.audit.history.wipe import notes
from seawall.audit.history.wipe.clean import clean, harmless, overwritten
from seawall.audit.history.wipe.contents import SUBMODULE, TREE, Pack, Rewritten, contents, entries, written
from seawall.audit.history.wipe.literals import Literals
from seawall.audit.history.wipe.plan import Plan, parents, target

_NAME = re.compile(rb"\b[0-9a-f]{7,64}\b")
_SIGNATURE = re.compile(rb"^-----BEGIN (?:PGP|SSH) (?:SIGNATURE|MESSAGE)-----\n.*\Z", re.DOTALL | re.MULTILINE)


def rewrite(plan: Plan, literals: Literals, pack: Pack) -> Rewritten:
    """Put every object that changes into `pack`."""
    rewriter = _Rewriter(plan, literals, pack)
    rewriter.blobs()
    rewriter.trees()
    about = notes.commits(plan)
    for name in plan.commits:
        if name not in about:
            rewriter.commit(name)
    for name in about:  # last: what is in them is called after the other commits
        rewriter.notes(name)
    for name in plan.tags:
        rewriter.tag(name)
    return rewriter.done


class _Rewriter:
    def __init__(self, plan: Plan, literals: Literals, pack: Pack) -> None:
        self.plan = plan
        self.literals = literals
        self.pack = pack
        self.done = Rewritten()
        self._short: dict[bytes, str] = {}  # first 7 digits → old name, or "" where two have the same
        self._trees: dict[str, bytes] = {}
        self._noted: dict[str, str] = {}

    def blobs(self) -> None:
        paths = self.plan.paths()
        for name, content in contents(self.plan.repository, self.plan.blobs):
            whole = content.decode("latin-1") in self.literals.files
            new = b"" if whole else clean(self.literals, content)
            self._put(name, "blob", harmless(self.literals, paths.get(name, ""), new))

    def trees(self) -> None:
        self._trees = dict(contents(self.plan.repository, self.plan.trees))
        for name in self._trees:
            self._tree(name)

    def _tree(self, name: str) -> str:
        """As deep as folders are."""
        if name in self.done.new or name not in self._trees:
            return self.done.name(name)
        content = self._trees[name]
        width = len(name) // 2
        new = [
            (mode, self._clean(name, path), bytes.fromhex(self._entry(mode, raw.hex())))
            for mode, path, raw in entries(content, width)
        ]
        return self._put(name, "tree", written(new))

    def _entry(self, mode: bytes, name: str) -> str:
        if mode == SUBMODULE:
            return name
        return self._tree(name) if mode == TREE else self.done.name(name)

    def commit(self, name: str) -> None:
        head, separator, message = self.plan.commits[name].partition(b"\n\n")
        lines = [self._header(name, line) for line in _headers(head)]
        if any(line.startswith(b"gpgsig") for line in lines):
            self.done.unsigned.append(name)
        kept = [line for line in lines if line and not line.startswith(b"gpgsig")]
        self._put(name, "commit", b"\n".join(kept) + separator + self._text(name, message))

    def _header(self, name: str, line: bytes) -> bytes:
        key, _, value = line.partition(b" ")
        if key in (b"tree", b"parent"):
            return key + b" " + self.done.name(value.decode()).encode()
        if key == b"mergetag" and target(value) in self.done.new:
            return b""  # the tag that was merged is about another commit now
        return self._clean(name, line)

    def _clean(self, name: str, part: bytes) -> bytes:
        """A part of an object, which most hold no secret themselves."""
        return overwritten(self.literals, part) if name in self.plan.holding else part

    def _text(self, name: str, message: bytes) -> bytes:
        """Without secrets, and with the new names of commits it speaks of (`This reverts commit …`)."""
        message = _NAME.sub(self._renamed, message)
        return clean(self.literals, message) if name in self.plan.holding else message

    def _renamed(self, match: re.Match[bytes]) -> bytes:
        old = self._short.get(match[0][:7], "")
        return self.done.new[old][: len(match[0])].encode() if old.startswith(match[0].decode()) and old else match[0]

    def notes(self, name: str) -> None:
        """A commit of notes, with the notes at the new names of what they are about."""
        text = self.plan.commits[name]
        tree = text[5 : text.index(b"\n")].decode()
        new = self._noted.get(tree) or notes.renamed(self.plan.repository, tree, self.done, self.literals, self.pack)
        self._noted[tree] = new
        if new != tree or name in self.plan.holding or any(each in self.done.new for each in parents(text)):
            self.done.new[tree] = new
            self.commit(name)
        else:
            del self.plan.commits[name]

    def tag(self, name: str) -> str:
        if name in self.done.new or name not in self.plan.tags:
            return self.done.name(name)
        head, separator, message = self.plan.tags[name].partition(b"\n\n")
        _, *rest = head.split(b"\n")
        lines = [b"object " + self.tag(target(self.plan.tags[name])).encode()]
        lines += [self._clean(name, line) for line in rest if not line.startswith(b"gpgsig")]
        if _SIGNATURE.search(message):
            self.done.unsigned.append(name)
        return self._put(name, "tag", b"\n".join(lines) + separator + self._text(name, _SIGNATURE.sub(b"", message)))

    def _put(self, old: str, kind: str, content: bytes) -> str:
        new = self.done.new[old] = self.pack.add(kind, content)
        if kind == "commit":
            short = old[:7].encode()
            self._short[short] = "" if short in self._short else old
        return new


def _headers(head: bytes) -> list[bytes]:
    """A header each, with the lines that continue it."""
    return re.sub(rb"\n(?! )", b"\0", head).split(b"\0")
