"""A scan that cannot go on says why, and its exit code is not that of a finding."""

import errno
import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from seawall.audit import repository
from seawall.audit.history import beginning
from seawall.audit.secrets.scanner import Scanner
from seawall.errors import ScanEnded
from tests.audit.history.repository import git, new


class Killed(Scanner):
    """Ends the process that uses it, as the kernel does where memory is short, but for the one that made it."""

    def __init__(self) -> None:
        super().__init__([])
        self.made_by = os.getpid()

    @property
    def in_parts(self) -> bool:
        return False

    def scan_all(self, data: bytes) -> Any:
        if os.getpid() != self.made_by:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().scan_all(data)


def test_a_process_that_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = new(tmp_path / "repo")
    git(repo, "repack", "-q", "-a", "-d")
    monkeypatch.setattr(repository, "scanner", lambda *_: Killed())
    with pytest.raises(ScanEnded, match="killed") as ended:
        repository.audit(repo, repository.Options(processes=2))
    assert ended.value.exit_code == 2
    assert "-j 1" in ended.value.remedy


def test_packs_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(beginning, "packs", none)
    with pytest.raises(ScanEnded, match="memory"):
        repository.audit(new(tmp_path / "repo"), repository.Options())
    assert threading.active_count() == 1


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(repository, "scan", full)
    with pytest.raises(ScanEnded, match="No space left") as ended:
        repository.audit(new(tmp_path / "repo"), repository.Options())
    assert ended.value.exit_code == 2
    assert "TMPDIR" in ended.value.remedy
