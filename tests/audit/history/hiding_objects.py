"""Hiding places among git's objects: commits, merges, tags, notes, stashes, and what no ref reaches."""

from pathlib import Path

from tests.audit.history.kinds import assignment, kind
from tests.audit.history.repository import (
    PERSON,
    WHEN,
    add,
    add_and_remove,
    blob,
    commit,
    drop,
    git,
    put,
)

UNREACHED = "unreachable.*|file|object|reflog.*|stash"
STASHED = "stash|file|reflog.*"  # all stashes but the newest are in the reflog of refs/stash only
MESSAGE = b"Rotate the keys\n\nThe old one was %s and still works.\n"
TAGGED = b"object %s\ntype %s\ntag %s\ntagger %s " + WHEN + b"\n\n%s\n"


@kind("file, deleted later", "file", "settings/production.py", tip=False)
def deleted_file(repo: Path, secret: str) -> None:
    add_and_remove(repo, "settings/production.py", assignment(secret))


@kind("file on another branch only", "file", "settings/staging.py", tip=True)
def other_branch(repo: Path, secret: str) -> None:
    add(repo, commit("refs/heads/staging", put("settings/staging.py", assignment(secret))))


@kind("file on a branch of unrelated history", "file", "pages/deploy.py", tip=True)
def orphan_branch(repo: Path, secret: str) -> None:
    add(repo, commit("refs/heads/pages", put("pages/deploy.py", assignment(secret)), parents=()))


@kind("file on a remote-tracking branch only", "file", "settings/remote.py")
def remote_branch(repo: Path, secret: str) -> None:
    add(repo, commit("refs/remotes/origin/topic", put("settings/remote.py", assignment(secret))))


def merge(repo: Path, secret: str, path: str, sides: tuple[str, ...]) -> None:
    """A merge of `sides` into main whose own change is in no parent, and is gone after it."""
    for side in sides:
        add(repo, commit(f"refs/heads/{side}", put(f"{side}.txt", side.encode())))
    parents = ("refs/heads/main^0", *(f"refs/heads/{side}^0" for side in sides))
    merged = [put(f"{side}.txt", side.encode()) for side in sides]
    main = "refs/heads/main"
    add(repo, commit(main, *merged, put(path, assignment(secret)), parents=parents))
    add(repo, commit(main, *(drop(f"{side}.txt") for side in sides), drop(path)))


@kind("change made in a merge only", "file", "settings/merged.py", tip=False)
def evil_merge(repo: Path, secret: str) -> None:
    merge(repo, secret, "settings/merged.py", ("evil",))


@kind("change made in an octopus merge only", "file", "settings/octopus.py", tip=False)
def octopus_merge(repo: Path, secret: str) -> None:
    merge(repo, secret, "settings/octopus.py", ("arm1", "arm2", "arm3"))


@kind("commit message", "commit message")
def commit_message(repo: Path, secret: str) -> None:
    add(repo, commit("refs/heads/main", message=MESSAGE % secret.encode()))


@kind("author's name", "author.*")
def author_name(repo: Path, secret: str) -> None:
    add(repo, commit("refs/heads/main", author=f"{secret} <ada@analytical.test>".encode()))


@kind("author's address", "author.*")
def author_address(repo: Path, secret: str) -> None:
    add(repo, commit("refs/heads/main", author=f"Ada <{secret}@analytical.test>".encode()))


@kind("committer", "committer.*|author.*")
def committer(repo: Path, secret: str) -> None:
    add(repo, commit("refs/heads/main", committer=f"{secret} <ada@analytical.test>".encode()))


def raw_commit(repo: Path, branch: str, header: bytes) -> None:
    """A commit with headers that no git command would write."""
    tree, parent = (git(repo, "rev-parse", name).encode() for name in ("main^{tree}", "main"))
    people = b"author %s %s\ncommitter %s %s\n" % (PERSON, WHEN, PERSON, WHEN)
    text = b"tree %s\nparent %s\n%s%s\n\nWork\n" % (tree, parent, people, header)
    name = git(repo, "hash-object", "-t", "commit", "-w", "--literally", "--stdin", data=text)
    git(repo, "update-ref", f"refs/heads/{branch}", name)


@kind("commit header: signature", "commit.*|.*header")
def signature(repo: Path, secret: str) -> None:
    lines = ["-----BEGIN PGP SIGNATURE-----", f"Comment: {secret}", "", "iQEz", "-----END PGP SIGNATURE-----"]
    raw_commit(repo, "signed", b"gpgsig " + "\n ".join(lines).encode())


@kind("commit header: one that git does not know", "commit.*|.*header")
def unknown_header(repo: Path, secret: str) -> None:
    raw_commit(repo, "unknown-header", f"deploy-token {secret}".encode())


@kind("commit header: the merged tag's message", "commit.*|tag message|.*header")
def merged_tag(repo: Path, secret: str) -> None:
    text = TAGGED % (git(repo, "rev-parse", "main").encode(), b"commit", b"v0", PERSON, MESSAGE % secret.encode())
    raw_commit(repo, "merged-tag", b"mergetag " + text.rstrip().replace(b"\n", b"\n "))


# Tags and notes


def tag(repo: Path, ref: str, target: str, name: str, message: bytes, tagger: bytes = PERSON) -> str:
    """An annotated tag; without `ref` only its object."""
    target = git(repo, "rev-parse", target)
    text = TAGGED % (target.encode(), git(repo, "cat-file", "-t", target).encode(), name.encode(), tagger, message)
    oid = git(repo, "hash-object", "-t", "tag", "-w", "--stdin", data=text)
    if ref:
        git(repo, "update-ref", ref, oid)
    return oid


@kind("tag message", "tag message", ".*v1.0.*|")
def tag_message(repo: Path, secret: str) -> None:
    tag(repo, "refs/tags/v1.0", "main", "v1.0", MESSAGE % secret.encode())


@kind("message of a tag that only another tag names", "tag message")
def tag_of_a_tag(repo: Path, secret: str) -> None:
    inner = tag(repo, "", "main", "v1.1-rc1", MESSAGE % secret.encode())
    tag(repo, "refs/tags/v1.1", inner, "v1.1", b"A tag of a tag")


@kind("tagger", "tagger.*|author.*|tag.*")
def tagger(repo: Path, secret: str) -> None:
    tag(repo, "refs/tags/v1.2", "main", "v1.2", b"Signed off", f"{secret} <ada@analytical.test>".encode())


@kind("file that only a tag names", "file|tag.*|object")
def tag_of_a_blob(repo: Path, secret: str) -> None:
    git(repo, "update-ref", "refs/tags/key", blob(repo, assignment(secret)))


@kind("file in a tree that only a tag names", "file", ".*tagged.py")
def tag_of_a_tree(repo: Path, secret: str) -> None:
    entry = f"100644 blob {blob(repo, assignment(secret))}\ttagged.py\n"
    git(repo, "update-ref", "refs/tags/tree", git(repo, "mktree", data=entry.encode()))


@kind("note", "note|file")
def note(repo: Path, secret: str) -> None:
    git(repo, "notes", "add", "-f", "-m", f"Deployed with {secret}", "main")


@kind("note under another name", "note|file")
def other_note(repo: Path, secret: str) -> None:
    git(repo, "notes", "--ref", "review", "add", "-f", "-m", f"Reviewed with {secret}", "main")


# Stashes and reflogs


@kind("stash", STASHED, ".*stashed.py|stash.*")
def stash(repo: Path, secret: str) -> None:
    (repo / "stashed.py").write_bytes(assignment(secret))
    git(repo, "add", "stashed.py")
    git(repo, "stash", "push", "-q", "--", "stashed.py")


@kind("stash: the index's part", STASHED, ".*engine.py|stash.*")
def stash_index(repo: Path, secret: str) -> None:
    harmless = (repo / "engine.py").read_bytes()
    (repo / "engine.py").write_bytes(harmless + assignment(secret))
    git(repo, "add", "engine.py")
    (repo / "engine.py").write_bytes(harmless + b"# better so\n")
    git(repo, "stash", "push", "-q", "--", "engine.py")


@kind("stash: the untracked part", STASHED, ".*untracked.py|stash.*")
def stash_untracked(repo: Path, secret: str) -> None:
    (repo / "stashed_untracked.py").write_bytes(assignment(secret))
    git(repo, "stash", "push", "-q", "-u", "--", "stashed_untracked.py")


@kind("stash that another was put upon", STASHED, ".*older.py|stash.*")
def older_stash(repo: Path, secret: str) -> None:
    for path, data in (("stashed_older.py", assignment(secret)), ("stashed_newer.py", b"DEBUG = True\n")):
        (repo / path).write_bytes(data)
        git(repo, "add", path)
        git(repo, "stash", "push", "-q", "--", path)


@kind("commit that only the reflog names", "file|reflog.*", ".*undone.py.*")
def undone_commit(repo: Path, secret: str) -> None:
    (repo / "undone.py").write_bytes(assignment(secret))
    git(repo, "add", "undone.py")
    git(repo, "commit", "-q", "-m", "Too early")
    git(repo, "reset", "-q", "--hard", "HEAD~1")


@kind("reflog message", "reflog.*", ".*pulled.*")
def reflog_message(repo: Path, secret: str) -> None:
    message = f"pull https://x-access-token:{secret}@code.analytical.test/engine: Fast-forward"
    git(repo, "update-ref", "-m", message, "--create-reflog", "refs/heads/pulled", git(repo, "rev-parse", "main"))


# What no ref reaches


@kind("unreachable file, loose", UNREACHED, tip=False)
def unreachable_loose(repo: Path, secret: str) -> None:
    blob(repo, assignment(secret))


@kind("unreachable file, packed", UNREACHED, tip=False)
def unreachable_packed(repo: Path, secret: str) -> None:
    name = blob(repo, assignment(secret))
    git(repo, "pack-objects", "-q", ".git/objects/pack/pack", data=f"{name}\n".encode())
    (repo / ".git" / "objects" / name[:2] / name[2:]).unlink()


def stray_commit(repo: Path, path: str, data: bytes) -> str:
    """A commit that no ref reaches any more, by its name."""
    add(repo, commit("refs/heads/stray", put(path, data)))
    name = git(repo, "rev-parse", "refs/heads/stray")
    git(repo, "update-ref", "-d", "refs/heads/stray")
    return name


@kind("unreachable commit", UNREACHED, ".*stray.py.*|[0-9a-f]*", tip=False)
def unreachable_commit(repo: Path, secret: str) -> None:
    stray_commit(repo, "stray.py", assignment(secret))


@kind("unreachable commit's message", "commit message|unreachable.*", tip=False)
def unreachable_message(repo: Path, secret: str) -> None:
    add(repo, commit("refs/heads/stray", message=MESSAGE % secret.encode()))
    git(repo, "update-ref", "-d", "refs/heads/stray")


@kind("unreachable tag's message", "tag message|unreachable.*", tip=False)
def unreachable_tag(repo: Path, secret: str) -> None:
    tag(repo, "", "main", "v0.9", MESSAGE % secret.encode())


@kind("commit that only FETCH_HEAD names", UNREACHED, ".*fetched.py.*|[0-9a-f]*")
def fetched_commit(repo: Path, secret: str) -> None:
    name = stray_commit(repo, "fetched.py", assignment(secret))
    (repo / ".git" / "FETCH_HEAD").write_text(f"{name}\t\tbranch 'topic' of code.analytical.test:engine\n")


@kind("file that git replace hides", "file|object", "settings/replaced.py|", tip=False)
def replaced(repo: Path, secret: str) -> None:
    add_and_remove(repo, "settings/replaced.py", assignment(secret))
    git(repo, "replace", blob(repo, assignment(secret)), blob(repo, b"DEBUG = False\n"))


@kind("history that a graft cuts off", "file|unreachable.*", "settings/grafted.py|[0-9a-f]*", tip=False)
def grafted(repo: Path, secret: str) -> None:
    branch = "refs/heads/grafted"
    add_and_remove(repo, "settings/grafted.py", assignment(secret), branch=branch)
    git(repo, "config", "advice.graftFileDeprecated", "false")  # gitleaks gives up when git warns
    (repo / ".git" / "info" / "grafts").write_text(git(repo, "rev-parse", branch) + "\n")


@kind("ref that hosts make: pull request", "file", "settings/pulled.py")
def pull_request(repo: Path, secret: str) -> None:
    add(repo, commit("refs/pull/1/head", put("settings/pulled.py", assignment(secret))))


@kind("ref that git filter-branch leaves", "file", "settings/original.py")
def original_ref(repo: Path, secret: str) -> None:
    add(repo, commit("refs/original/refs/heads/main", put("settings/original.py", assignment(secret))))


@kind("object in a borrowed store", "file", "settings/borrowed.py", tip=True)
def borrowed(repo: Path, secret: str) -> None:
    store = repo.parent / f"{repo.name}-store"
    git(repo.parent, "init", "-q", "--bare", str(store))
    add(store, commit("refs/heads/main", put("settings/borrowed.py", assignment(secret)), parents=()))
    (repo / ".git" / "objects" / "info" / "alternates").write_text(f"{store / 'objects'}\n")
    git(repo, "update-ref", "refs/heads/borrowed", git(store, "rev-parse", "main"))
