"""Starting the process inside: who may read Seawall's own files, what it is told, who may reach its sockets."""

import fcntl
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from seawall import paths as site_paths
from seawall.config import Settings
from seawall.fleet import interpreter, server
from seawall.fleet.application import find
from seawall.fleet.inside import setup, tries
from seawall.fleet.interpreter import TRIES_SIZE, may_read
from seawall.paths import Paths


def test_every_folder_on_the_way_counts(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    for folder in (inner, inner.parent):
        folder.chmod(0o755)
    us, stranger = (os.getuid(), os.getgid()), (54321, 54321)
    assert may_read(inner, us)
    # pytest's own folders are ours alone, so a stranger is judged from / on only where they are not.
    assert may_read(Path("/usr/lib"), stranger)
    assert not may_read(inner, stranger)
    inner.chmod(0o311)
    assert not may_read(inner, us)
    inner.chmod(0o755)
    inner.parent.chmod(0o655)
    assert not may_read(inner, us)
    inner.parent.chmod(0o755)


def told(document: dict[str, object]) -> setup.Setup:
    memory = os.memfd_create("test")
    os.write(memory, json.dumps(document).encode())
    os.lseek(memory, 0, os.SEEK_SET)
    return setup.read(memory)


def test_a_document_of_another_release_is_read() -> None:
    """Seawall may be upgraded while it runs: whoever starts the process inside may be older than it, or newer."""
    needed = {"kind": "wsgi", "target": "app:app", "listener": 3}
    assert told(needed).host == "localhost"
    assert told({**needed, "version": 1, "known later": [1]}).beat == -1
    with pytest.raises(SystemExit, match="upgraded while it ran"):
        told({**needed, "version": 2})


def test_the_notes_of_servers_have_the_form_of_this_version() -> None:
    """Servers of two releases share them while Seawall is upgraded: with another form comes another version."""
    assert (setup.VERSION, tries.SIZE, tries._NOTE.format) == (1, 1 << 20, "<IIII")


def test_sockets_are_never_open_to_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "admit_balancer", lambda address: None)  # which narrows the mode where we are root
    paths = Paths(tmp_path, tmp_path / "r")
    site_paths.create(paths)
    application = find(Settings(wsgi="app:app"), tmp_path)
    before = os.umask(0)
    try:
        with server.listen(application, paths, "s1"), server.listen_beat(paths, "s1"):
            for path in (paths.server_socket("s1"), server.beat_socket(paths, "s1")):
                assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        os.umask(before)


def test_what_servers_share_cannot_be_made_larger(tmp_path: Path) -> None:
    """The application has it too, and root pays for its room."""
    paths = Paths(tmp_path, tmp_path / "r")
    fd = interpreter._tries(paths)
    assert fd == interpreter._tries(paths), "what is started later shares it"
    deeds: list[Callable[[], object]] = [
        lambda: os.posix_fallocate(fd, 0, 1 << 24),
        lambda: os.ftruncate(fd, 1 << 24),
        lambda: os.ftruncate(fd, 0),
        lambda: os.pwrite(fd, b"x", TRIES_SIZE),
        lambda: fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE),
    ]
    for deed in deeds:
        with pytest.raises(OSError, match="not permitted"):
            deed()
    seen = os.fstat(fd)
    assert (seen.st_size, seen.st_blocks * 512) == (TRIES_SIZE, TRIES_SIZE)
    assert not os.get_inheritable(fd)
