"""Hiding places in the .git folder's own files, in names, and in the work tree.

Commits, stashes and resets would undo some of them, so these are entered last: hiding_objects is imported first.
"""

from pathlib import Path

from tests.audit.history.hiding_objects import stray_commit
from tests.audit.history.kinds import assignment, kind
from tests.audit.history.repository import add, add_and_remove, blob, commit, drop, git, put


def append(repo: Path, path: str, text: str) -> None:
    """Text at the end of a file in .git, which is made where it is missing."""
    file = repo / ".git" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as output:
        output.write(text)


# Settings


@kind("remote's URL in .git/config", "config", ".*")
def remote_url(repo: Path, secret: str) -> None:
    git(repo, "remote", "add", "origin", f"https://deploy:{secret}@code.analytical.test/engine.git")


@kind("header in .git/config", "config", ".*")
def extra_header(repo: Path, secret: str) -> None:
    git(repo, "config", "http.https://code.analytical.test/.extraheader", f"Authorization: bearer {secret}")


@kind("submodule's URL in .git/config", "config", ".*")
def submodule_config(repo: Path, secret: str) -> None:
    git(repo, "config", "submodule.lib.url", f"https://{secret}@code.analytical.test/lib.git")


@kind("submodule's URL in .gitmodules, in history", "file|config", r"\.gitmodules", tip=False)
def submodule_history(repo: Path, secret: str) -> None:
    text = f'[submodule "lib"]\n\tpath = lib\n\turl = https://{secret}@code.analytical.test/lib.git\n'
    add_and_remove(repo, ".gitmodules", text.encode())


@kind("settings of a submodule's own repository", "config|.*file", ".*modules/lib/config.*")
def submodule_repository(repo: Path, secret: str) -> None:
    append(repo, "modules/lib/config", f'[remote "origin"]\n\turl = https://{secret}@code.analytical.test/lib.git\n')


@kind("settings of one work tree", "config|.*file", ".*config.worktree.*")
def worktree_config(repo: Path, secret: str) -> None:
    git(repo, "config", "extensions.worktreeConfig", "true")
    git(repo, "config", "--worktree", "remote.mirror.url", f"https://{secret}@code.analytical.test/m.git")


@kind("remote in git's oldest form", "config|.*file", ".*remotes/legacy.*")
def legacy_remote(repo: Path, secret: str) -> None:
    append(repo, "remotes/legacy", f"URL: https://{secret}@code.analytical.test/engine.git\n")


# Names


def unlogged(repo: Path, ref: str) -> None:
    git(repo, "-c", "core.logAllRefUpdates=false", "update-ref", ref, git(repo, "rev-parse", "main"))


@kind("branch's name", "ref name|branch name|ref", "(refs/heads/)?.*")
def branch_name(repo: Path, secret: str) -> None:
    unlogged(repo, f"refs/heads/try/{secret}")


@kind("tag's name", "ref name|tag name|ref", "(refs/tags/)?.*")
def tag_name(repo: Path, secret: str) -> None:
    unlogged(repo, f"refs/tags/{secret}")


@kind("file's name", "file name|path", ".*", tip=False)
def file_name(repo: Path, secret: str) -> None:
    add_and_remove(repo, f"keys/{secret}.txt", b"Its own name is the key.\n")


@kind("folder's name", "file name|path", ".*", tip=False)
def folder_name(repo: Path, secret: str) -> None:
    add_and_remove(repo, f"cache/{secret}/page.txt", b"The folder's name is the key.\n")


@kind("symbolic link's target", "file|symlink.*|link.*", "keys/current", tip=False)
def link_target(repo: Path, secret: str) -> None:
    add_and_remove(repo, "keys/current", f"/run/keys/{secret}".encode(), "120000")


# Files that git, its users and its hooks leave in .git


def folder_kind(title: str, path: str, text: str, place: str = ".*file|config|hook.*") -> None:
    """Enters a file in .git with a text that `{}` in it makes complete."""

    def plant(repo: Path, secret: str) -> None:
        append(repo, path, text.format(secret))

    kind(title, place, f"(.git/)?{path}")(plant)


folder_kind("hook", "hooks/pre-push", "#!/bin/sh\ncurl -H 'Authorization: bearer {}' https://ci.analytical.test\n")
folder_kind("description", "description", "Mirror of https://{}@code.analytical.test/engine\n")
folder_kind("info/exclude", "info/exclude", "# {}\n")
folder_kind("info/attributes", "info/attributes", "# {}\n")
folder_kind("COMMIT_EDITMSG", "COMMIT_EDITMSG", "Rotate {}\n", "commit message|.*file")
folder_kind("MERGE_MSG", "MERGE_MSG", "Merge branch 'rotate'\n\n{} no longer works\n", "commit message|.*file")
folder_kind("a rebase's message", "rebase-merge/message", "Rotate {}\n", "commit message|.*file")
folder_kind("rerere", f"rr-cache/{'5e' * 20}/preimage", "<<<<<<<\nA = '{}'\n=======\nA = ''\n>>>>>>>\n")
folder_kind("lost-found", f"lost-found/other/{'5e' * 20}", "GITHUB_TOKEN = '{}'\n")


@kind("URL in FETCH_HEAD", ".*file|config|ref.*|FETCH_HEAD", ".*FETCH_HEAD.*")
def fetch_head(repo: Path, secret: str) -> None:
    name = git(repo, "rev-parse", "main")
    append(
        repo, "FETCH_HEAD", f"{name}\tnot-for-merge\tbranch 'main' of https://{secret}@code.analytical.test/engine\n"
    )


@kind("head of packed-refs", ".*file|ref.*", ".*packed-refs.*")
def packed_refs(repo: Path, secret: str) -> None:
    file = repo / ".git" / "packed-refs"
    refs = file.read_text().splitlines(keepends=True)[1:] if file.exists() else []
    file.write_text(f"# pack-refs with: peeled fully-peeled sorted {secret} \n{''.join(refs)}")


@kind("commit that only another work tree's HEAD names", "file", ".*detached.py.*")
def worktree_head(repo: Path, secret: str) -> None:
    other = repo.parent / f"{repo.name}-detached"
    git(repo, "worktree", "add", "-q", "--detach", str(other))
    git(other, "update-ref", "--no-deref", "HEAD", stray_commit(repo, "detached.py", assignment(secret)))


@kind(
    "file that only another work tree's index names",
    "index.*|.*file|unreachable.*",
    ".*staged_elsewhere.py.*|[0-9a-f]+",
)
def worktree_index(repo: Path, secret: str) -> None:
    other = repo.parent / f"{repo.name}-other"
    git(repo, "worktree", "add", "-q", "--detach", str(other))
    (other / "staged_elsewhere.py").write_bytes(assignment(secret))
    git(other, "add", "staged_elsewhere.py")
    (other / "staged_elsewhere.py").unlink()


# The work tree and the index


@kind("untracked file", "file|.*untracked.*|work tree.*", "notes/todo.txt", tip=True)
def untracked(repo: Path, secret: str) -> None:
    (repo / "notes").mkdir()
    (repo / "notes" / "todo.txt").write_bytes(assignment(secret))


@kind("ignored file", "file|.*ignored.*|work tree.*", r"\.env", tip=True)
def ignored(repo: Path, secret: str) -> None:
    append(repo, "info/exclude", ".env\n")
    (repo / ".env").write_text(f"GITHUB_TOKEN={secret}\n")


@kind("change not yet staged", "file|work tree.*", "README.md", tip=True)
def unstaged(repo: Path, secret: str) -> None:
    with (repo / "README.md").open("a") as file:
        file.write(f"\nPush with {secret}.\n")


@kind("file that is only staged", "file|index.*|staged.*", "staged.py")
def staged(repo: Path, secret: str) -> None:
    (repo / "staged.py").write_bytes(assignment(secret))
    git(repo, "add", "staged.py")
    (repo / "staged.py").unlink()


@kind("one side of a conflict", "file|index.*|staged.*", "conflict.py")
def conflict(repo: Path, secret: str) -> None:
    sides = [blob(repo, data) for data in (b"DEBUG = True\n", assignment(secret), b"DEBUG = False\n")]
    lines = (f"100644 {name} {stage}\tconflict.py\n" for stage, name in enumerate(sides, 1))
    git(repo, "update-index", "--index-info", data="".join(lines).encode())


# Recorded, not required


@kind("object of a submodule's own repository", "file", "engine/key.py", raw=True, bonus=True)
def submodule_object(repo: Path, secret: str) -> None:
    module = repo / ".git" / "modules" / "engine"
    git(repo, "init", "-q", "--bare", str(module))
    add(module, commit("refs/heads/main", put("key.py", assignment(secret)), parents=()))
    add(module, commit("refs/heads/main", drop("key.py")))


@kind("name of a deleted branch's reflog", "ref name|reflog.*|.*file", ".*", bonus=True)
def reflog_name(repo: Path, secret: str) -> None:
    name = git(repo, "rev-parse", "main")
    append(repo, f"logs/refs/heads/{secret}", f"{'0' * len(name)} {name} Ada <a@analytical.test> 1700000000 +0100\t\n")
