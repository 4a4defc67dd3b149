"""Names, people, sizes and numbers that trip programs which read git's output line by line."""

import io
import os
import random
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.audit.history.kinds import assignment
from tests.audit.history.repository import (
    WHEN,
    add,
    add_and_remove,
    commit,
    drop,
    environment,
    git,
    github_token,
    new,
    put,
)
from tests.audit.history.scan import CLEAN, FINDINGS, INCOMPLETE, scan

BRANCHES = 3000
LARGE = 65 << 20  # bytes
NAMES = {
    "newline": b"new\nline.py",
    "quotes": b'"quo\'ted".py',
    "tab": b"tab\there.py",
    "backslash": b"back\\slash.py",
    "not UTF-8": b"caf\xe9.py",
    "emoji": "🗝️.py".encode(),
    "colon": b":100644 100644 M.py",
    "dash": b"--help.py",
    "space": b" leading and trailing ",
    "ends of lines, not of git's": "\u2028a\u0085b\v.py".encode(),
    "control": b"\x1b[31mred\x07.py",
}


def in_zip(data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.txt", data)
    return file.getvalue()


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return new(tmp_path / "repo")


def test_of_many_gaps_one_is_left_out(tmp_path: Path) -> None:
    data = bytearray(in_zip(b"x"))
    data[6] |= 1  # encrypted, says the member's own header …
    data[data.index(b"PK\1\2") + 8] |= 1  # … and the directory's: .ZIP File Format Specification, 4.4.4
    for number in range(21):
        (tmp_path / f"{number}.zip").write_bytes(data)
    done = scan(tmp_path)
    assert (done.code, len(done.gaps)) == (INCOMPLETE, 21), done.output + done.errors
    assert done.gaps[-1]["what"] == "1 more file could not be looked into."


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("where", ["history", "work tree"])
def test_file_names(where: str, name: bytes, repo: Path) -> None:
    path = bytes(repo) + b"/" + name
    with open(path, "wb") as file:
        file.write(assignment(github_token()))
    if where == "history":
        git(repo, "add", ".")
        git(repo, "commit", "-q", "-m", "Odd")
        git(repo, "rm", "-q", "-r", ".")
        git(repo, "commit", "-q", "-m", "Even")
    done = scan(repo)
    assert (done.code, len(done.tokens), done.gaps) == (FINDINGS, 1, []), done.output + done.errors
    found = done.tokens[0]
    assert found["in_tip"] == (where == "work tree")
    assert found["first"]["line"] == 2
    assert name.isascii() is False or name.decode() == found["first"]["path"]
    assert "\x1b" not in done.output + done.errors, "a file's name must not drive the terminal"


@pytest.mark.parametrize("packed", [False, True])
def test_names_of_refs(packed: bool, repo: Path) -> None:
    token = github_token()
    for name in ("a\u2028b", "\u0085", f"\u2029{token}"):
        git(repo, "branch", name)
    if packed:
        git(repo, "repack", "-adq")
    done = scan(repo)
    assert (done.code, len(done.tokens), done.gaps) == (FINDINGS, 1, []), done.output + done.errors


@pytest.mark.parametrize(
    "person",
    [
        b"Andr\xe9 <andre@analytical.test>",
        "Zoë 🗝️ <zoe@analytical.test>".encode(),
        b" <>",
        b"<no name@analytical.test>",
    ],
)
def test_people(person: bytes, repo: Path) -> None:
    """A token in a commit whose author has no name, or one in another encoding."""
    main, secret = "refs/heads/main", github_token()
    add(
        repo,
        commit(main, put("key.py", assignment(secret)), author=person, committer=person),
        commit(main, drop("key.py"), parents=()),
    )
    (found,) = scan(repo).tokens
    assert found["first"]["path"] == "key.py"
    assert found["first"]["commit"] == git(repo, "rev-parse", "main~1")


def test_a_commit_in_another_encoding(repo: Path) -> None:
    secret, tree = github_token(), git(repo, "rev-parse", "main^{tree}").encode()
    people = b"author Andr\xe9 <a@analytical.test> %s\ncommitter Andr\xe9 <a@analytical.test> %s\n" % (WHEN, WHEN)
    text = b"tree %s\n%sencoding ISO-8859-1\n\nCl\xe9: %s\n" % (tree, people, secret.encode())
    git(repo, "update-ref", "refs/heads/latin", git(repo, "hash-object", "-t", "commit", "-w", "--stdin", data=text))
    (found,) = scan(repo).tokens
    assert found["first"]["kind"] == "commit message"
    assert "André" in found["first"]["author"]


def test_a_commit_that_git_would_not_write(repo: Path) -> None:
    """No author, no date, no message: old tools have made such, and a scan goes on."""
    tree = git(repo, "rev-parse", "main^{tree}")
    name = git(
        repo, "hash-object", "-t", "commit", "-w", "--literally", "--stdin", data=f"tree {tree}\nauthor x\n".encode()
    )
    (repo / ".git" / "refs" / "heads" / "odd").write_text(f"{name}\n")
    add_and_remove(repo, "settings.py", assignment(github_token()))
    done = scan(repo)
    assert (done.code, len(done.tokens)) == (FINDINGS, 1), done.output + done.errors


def test_many_branches(repo: Path) -> None:
    """As many as a busy host keeps; one of them, in the middle, has the token."""
    secret = github_token()
    commits = [
        commit(f"refs/heads/topic/{number}", put("topic.txt", str(number).encode())) for number in range(BRANCHES)
    ]
    commits[BRANCHES // 2] = commit(f"refs/heads/topic/{BRANCHES // 2}", put("topic.txt", assignment(secret)))
    add(repo, *commits)
    done = scan(repo)
    assert (done.code, len(done.tokens), done.gaps) == (FINDINGS, 1, []), done.output + done.errors
    assert done.tokens[0]["in_tip"]


def test_runs_agree_on_commits_of_one_second(repo: Path) -> None:
    secret = assignment(github_token())
    for number in range(8):
        add(repo, commit("refs/heads/lost", put(f"{number}.py", secret), parents=()))
        git(repo, "update-ref", "-d", "refs/heads/lost")
    first, *others = (scan(repo, PYTHONHASHSEED=str(seed)) for seed in range(3))
    assert len(first.tokens) == 1
    assert [each.findings for each in others] == [first.findings] * 2


def test_a_secret_in_thousands_of_versions(repo: Path) -> None:
    """One finding, seen so many times."""
    line, main = assignment(github_token()), "refs/heads/main"
    first = commit(main, put("settings.py", line + b"# 0\n"))
    later = (commit(main, put("settings.py", line + b"# %d\n" % number), parents=()) for number in range(1, 2000))
    add(repo, first, *later)
    (found,) = scan(repo).tokens
    assert found["times"] == 2000
    assert found["first"]["commit"] == git(repo, "rev-parse", "main~1999")
    assert found["last"]["commit"] == git(repo, "rev-parse", "main")


@pytest.mark.parametrize("text", [True, False], ids=["text", "binary"])
@pytest.mark.parametrize("where", ["history", "work tree"])
def test_a_very_large_file(where: str, text: bool, repo: Path) -> None:
    line = b"the engine weaves algebraic patterns just as the loom weaves flowers and leaves\n"
    filler = line * (LARGE // len(line)) if text else random.Random(1).randbytes(LARGE)
    data = filler + b"\n" + assignment(github_token())
    if where == "history":
        add_and_remove(repo, "large.dat", data)
    else:
        (repo / "large.dat").write_bytes(data)
    done = scan(repo)
    assert (done.code, len(done.tokens), done.gaps) == (FINDINGS, 1, []), done.output + done.errors
    assert done.tokens[0]["first"]["path"] == "large.dat"


@pytest.mark.parametrize("where", ["history", "work tree"])
def test_an_archive_that_unpacks_without_end(where: str, repo: Path) -> None:
    """Two GB of zeros in nine MB, a token in a file beside them: the scan ends, and says what it left out."""
    bomb = subprocess.run(
        ["sh", "-c", "head -c 2147483648 /dev/zero | gzip -1"], capture_output=True, check=True, env=environment()
    ).stdout
    secret = assignment(github_token())
    if where == "history":
        add(repo, commit("refs/heads/main", put("bomb.gz", bomb), put("settings.py", secret)))
        git(repo, "reset", "-q", "--hard")
    else:
        (repo / "bomb.gz").write_bytes(bomb)
        (repo / "settings.py").write_bytes(secret)
    done = scan(repo)
    assert (done.code, len(done.tokens)) == (FINDINGS, 1), done.output + done.errors
    assert any("bomb.gz" in gap["what"] for gap in done.gaps)


def test_broken_archives(repo: Path) -> None:
    """What only looks like an archive is not a reason to stop, nor a gap: its bytes have been looked at."""
    for number, head in enumerate(
        (b"PK\x03\x04", b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\0", b"SQLite format 3\0", b"%PDF-")
    ):
        add_and_remove(repo, f"broken{number}", head + b"\0 this is none " * 20)
    done = scan(repo)
    assert done.code == CLEAN, done.output + done.errors


def test_links_and_submodules_are_not_followed(repo: Path, tmp_path: Path) -> None:
    """Nor does a link that points to itself or nowhere stop the scan."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "settings.py").write_bytes(assignment(github_token()))
    for name, target in (("there", outside), ("self", Path("self")), ("nowhere", Path("/nowhere"))):
        (repo / name).symlink_to(target)
    done = scan(repo)
    assert (done.code, done.findings) == (CLEAN, []), done.output + done.errors


def test_a_pipe_in_the_work_tree(repo: Path) -> None:
    """Opening it would wait for a writer for ever."""
    os.mkfifo(repo / "pipe")
    assert scan(repo, timeout=60).code == CLEAN
