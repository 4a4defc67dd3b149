"""A scan that another process has begun for finds the same, and neither outlives the other."""

import errno
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from seawall.__main__ import main
from seawall.audit import repository
from seawall.audit.history import ahead, beginning, packed
from seawall.audit.history.ahead import Ahead
from seawall.audit.history.beginning import Beginning
from seawall.audit.run import Report
from seawall.audit.secrets.ready import ready
from seawall.errors import RepositoryUnusable, ScanEnded
from tests.audit.history.repository import add, commit, environment, git, github_token, new, put
from tests.audit.history.scan import SOURCE
from tests.patience import PATIENCE, until


def children() -> set[str]:
    with open(f"/proc/self/task/{threading.get_native_id()}/children") as file:
        return set(file.read().split())


@pytest.fixture
def begun() -> Iterator[Ahead]:
    ready()  # else it would have no rules
    before = children()
    ahead.begin()
    with ahead.begun() as one:
        assert one
        yield one
    assert children() == before


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """Files, names and messages hold something, and a file that is called as a credential is; in a pack, or in none."""
    path = new(tmp_path / "repo")
    add(
        path,
        commit(
            "refs/heads/main", put("a.py", secret()), put("keys/.pgpass", b"db:5432:x:ada:k7Qz-81pLw"), message=secret()
        ),
    )
    git(path, "repack", "-q", "-a", "-d")
    add(path, commit("refs/heads/other", put(f"{github_token()}.txt", b"-"), put("b.py", secret())))
    (path / "untracked.py").write_bytes(secret())
    return path


def secret() -> bytes:
    return f"key = '{github_token()}'\n".encode()


def audited(path: Path, one: Ahead | None, processes: int = 2) -> Report:
    with Beginning(path, one, processes=processes) as beginning:
        return repository.audit(path, repository.Options(processes=processes), begun=beginning)


@pytest.mark.parametrize("processes", [1, 2])
def test_the_same_findings(repo: Path, begun: Ahead, processes: int) -> None:
    with_it = audited(repo, begun, processes)
    without = audited(repo, None, processes)
    assert begun.ready
    assert len(with_it.findings) == 6
    assert with_it.findings == without.findings
    assert (with_it.gaps, with_it.figures, with_it.subject) == (without.gaps, without.figures, without.subject)


def test_a_folder_without_git(tmp_path: Path, begun: Ahead) -> None:
    (tmp_path / "a.py").write_bytes(secret())
    (finding,) = audited(tmp_path, begun).findings
    assert begun.ready
    assert finding.first.path == "a.py"


def test_submodules(repo: Path, tmp_path: Path, begun: Ahead) -> None:
    """They are read by it too."""
    top = new(tmp_path / "top")
    git(top, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(repo), "module")
    found = audited(top, begun).findings
    assert begun.ready
    assert "module/a.py" in {each.first.path for each in found}


def test_own_rules(repo: Path, begun: Ahead) -> None:
    """It has ours ready, and takes others when it hears of them."""
    rule = {
        "id": "own",
        "vendor": "Own",
        "description": "Ours",
        "pattern": "own-[0-9]{8}",
        "keywords": ["own-"],
        "positive": ["own-12345678"],
    }
    lines = (f"{key} = {json.dumps(value)}" for key, value in rule.items())
    (repo / ".seawall-rules.toml").write_text("[[rule]]\n" + "\n".join(lines) + "\n")
    ready([repo / ".seawall-rules.toml"])
    (repo / "c.txt").write_text("own-12840375\n")
    found = audited(repo, begun).findings
    assert begun.ready
    assert "secrets/own" in {each.id for each in found}


def test_without_rules_that_are_ready(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who began it does without, here with rules that another test has prepared."""
    kept = os.environ.get("XDG_CACHE_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty"))
    ahead.begin()
    monkeypatch.setenv("XDG_CACHE_HOME", kept) if kept else monkeypatch.delenv("XDG_CACHE_HOME")
    with ahead.begun() as one:
        assert one
        assert len(audited(repo, one).findings) == 6
        assert not one.ready


def test_it_is_killed_before_it_is_ready(repo: Path, begun: Ahead) -> None:
    os.kill(begun._id, signal.SIGKILL)
    assert len(audited(repo, begun).findings) == 6


def test_it_is_killed_while_it_is_asked(repo: Path, begun: Ahead) -> None:
    with Beginning(repo, begun, processes=2) as beginning:
        assert begun.ready
        os.kill(begun._id, signal.SIGKILL)
        begun._link._reading.read()  # what it had said by then
        with pytest.raises(ScanEnded, match="killed"):
            repository.audit(repo, repository.Options(processes=2), begun=beginning)


def test_its_errors_are_ours(tmp_path: Path, begun: Ahead) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RepositoryUnusable, match="neither a folder nor a file") as raised:
        audited(tmp_path / "pipe", begun)
    assert begun.ready
    assert "scan that" in raised.value.remedy


def test_it_ends_with_who_began_it(tmp_path: Path) -> None:
    """However that ends: here it is killed."""
    code = "from seawall.audit.history import ahead; ahead.begin(); print(ahead._begun[0]._id, flush=True); input()"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(PYTHONPATH=str(SOURCE))
    ) as one:
        assert one.stdout
        number = int(one.stdout.readline())
        assert Path(f"/proc/{number}").exists()
        one.kill()
    gone(number)


def gone(number: int) -> None:
    """Wait until a process has ended."""
    until(lambda: not runs(number), "the end of the process")


def runs(number: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{number}/stat").read_text().rpartition(")")[2]
    except OSError:
        return False


def hears_sigterm(number: int) -> bool:
    ignored = re.search(r"SigIgn:\s+(\w+)", Path(f"/proc/{number}/status").read_text())
    assert ignored
    return not int(ignored[1], 16) >> (signal.SIGTERM - 1) & 1


@pytest.mark.parametrize("arguments", [["--help"], ["--json", "--sarif", "-"], ["/nowhere"]])
def test_it_is_not_needed(arguments: list[str]) -> None:
    """Nobody sees it, and nobody waits for it."""
    command = [sys.executable, "-m", "seawall", "secrets", "scan", *arguments]
    done = subprocess.run(
        command, capture_output=True, check=False, timeout=PATIENCE, env=environment(PYTHONPATH=str(SOURCE))
    )
    assert done.returncode == (0 if arguments == ["--help"] else 2)
    assert b"Traceback" not in done.stderr


def test_ctrl_c_while_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ahead, "begin", interrupted)
    monkeypatch.setattr(sys, "argv", ["seawall", "secrets", "scan"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130


def test_a_pack_that_comes_in_between(repo: Path, begun: Ahead, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who reads has opened the packs at another time than who asks."""
    git(repo, "repack", "-q")
    monkeypatch.setattr(beginning, "packs", lambda repository: packed.packs(repository)[:-1])
    assert "The repository changed while it was read." in {gap.what for gap in audited(repo, begun).gaps}


def test_no_more_processes_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> int:
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(os, "fork", refused)
    ahead.begin()
    with ahead.begun() as one:
        assert one is None


def test_few_files_are_allowed(repo: Path) -> None:
    command = ["bash", "-c", f"ulimit -n 11; exec {sys.executable} -m seawall secrets scan {repo}"]
    done = subprocess.run(command, capture_output=True, check=False, env=environment(PYTHONPATH=str(SOURCE)))
    assert done.returncode == 2
    assert b"Too many open files" in done.stderr
    assert b"ulimit -n" in done.stderr
    assert b"Traceback" not in done.stderr


def test_who_started_us_is_immune_to_sigterm(repo: Path) -> None:
    """It is what ends the process ahead and those that it has forked, which are not."""
    code = (
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "from seawall.audit.history import ahead; ahead.begin(); print(ahead._begun[0]._id, flush=True); input()"
    )
    environ = environment(PYTHONPATH=str(SOURCE))
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ
    ) as one:
        assert one.stdout
        number = int(one.stdout.readline())
        until(lambda: hears_sigterm(number))
        one.kill()
    gone(number)
