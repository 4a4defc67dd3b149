"""Repositories that would run a program if Python or git believed what is in them."""

from pathlib import Path

from tests.audit.history.repository import git, new

# Modules that Seawall, or Python at its start, imports; the last is a package.
NAMES = (
    *("seawall.py", "json.py", "click.py", "typing.py", "enum.py", "re.py", "subprocess.py", "pickle.py"),
    *("hyperscan.py", "sitecustomize.py", "usercustomize.py", "seawall/__init__.py"),
)
_FETCHING = (
    ("remote.origin.promisor", "true"),
    ("extensions.partialClone", "origin"),
    ("core.repositoryFormatVersion", "1"),
)
_SIGNED = """\
tree {tree}
parent {parent}
author Ada Byron <ada@analytical.test> 1700000100 +0100
committer Ada Byron <ada@analytical.test> 1700000100 +0100
gpgsig -----BEGIN PGP SIGNATURE-----
 iQEzBAABCAAdFiEE
 -----END PGP SIGNATURE-----

Signed
"""


class Hostile:
    """A repository, and a file that is there once something of the repository has run."""

    def __init__(self, folder: Path) -> None:
        self.path = new(folder / "repo")
        self._ran = folder / "ran"
        self._program = self.path / "program"
        self._program.write_text(f"#!/bin/sh\necho $0 $* >> {self._ran}\nexit 1\n")
        self._program.chmod(0o755)

    def ran(self) -> str:
        """What ran since this was asked last."""
        what = self._ran.read_text() if self._ran.exists() else ""
        self._ran.unlink(missing_ok=True)
        return what

    def hold_modules(self) -> None:
        """Modules in the top folder, committed as in a branch that somebody checks out."""
        for name in NAMES:
            path = self.path / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"open({str(self._ran)!r}, 'a').write({name!r} + chr(10))\n")
        self.commit()

    def configure(self, fetching: bool = True) -> None:
        """What an archive's .git may say; with `fetching` also that missing objects are asked of a remote."""
        program = str(self._program)
        for key in (
            *(
                "core.fsmonitor",
                "diff.external",
                "core.pager",
                "pager.log",
                "pager.diff",
                "core.editor",
                "core.sshCommand",
            ),
            *(
                "core.alternateRefsCommand",
                "gpg.program",
                "gpg.openpgp.program",
                "diff.evil.command",
                "diff.evil.textconv",
            ),
            *("filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "credential.helper", "core.askPass"),
            *("remote.origin.uploadpack", "alias.log", "alias.diff"),
        ):
            git(self.path, "config", key, program)
        for key, value in (
            *(("log.showSignature", "true"), ("filter.evil.required", "true"), ("core.hooksPath", str(self._hooks()))),
            ("remote.origin.url", str(self.path)),
            *(_FETCHING if fetching else ()),
        ):
            git(self.path, "config", key, value)
        (self.path / ".git/info/attributes").write_text("*.py filter=evil diff=evil\n")

    def _hooks(self) -> Path:
        folder = self.path / ".git/hooks"
        folder.mkdir(exist_ok=True)
        for name in (
            "post-index-change",
            "reference-transaction",
            "pre-auto-gc",
            "post-checkout",
            "fsmonitor-watchman",
        ):
            (folder / name).write_bytes(self._program.read_bytes())
            (folder / name).chmod(0o755)
        return folder

    def sign(self) -> None:
        """Commit a sample password, in a way that git takes for signed: the guard asks for where else it is."""
        (self.path / "tests").mkdir()
        (self.path / "tests/test_a.py").write_text("PASSWORD = 'Zq8vN2xKw7Rb4'\n")
        git(self.path, "add", "tests")
        tree, parent = git(self.path, "write-tree"), git(self.path, "rev-parse", "HEAD")
        text = _SIGNED.format(tree=tree, parent=parent).encode()
        git(
            self.path,
            "reset",
            "-q",
            "--hard",
            git(self.path, "hash-object", "-t", "commit", "-w", "--stdin", data=text),
        )

    def commit(self) -> None:
        """All that is there, unchecked."""
        git(self.path, "add", "--all")
        git(self.path, "commit", "-q", "--no-verify", "-m", "More")
