"""Root reads and runs for others only what they could have read and changed themselves."""

import os
import pwd
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from seawall import rights
from seawall.config import load
from seawall.errors import ConfigError, shell
from seawall.haproxy import process
from seawall.paths import Paths, create
from seawall.tls import authority
from seawall.tls.certificate import ensure_certificate

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="it is about root")


@pytest.fixture
def secret(open_folder: Path) -> Path:
    """Something that root alone may read."""
    path = open_folder / "secret"
    path.write_text("root:$y$j9T$hidden:19000\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def theirs(open_folder: Path, stranger: pwd.struct_passwd) -> Path:
    """The project of another user."""
    folder = open_folder / "site"
    folder.mkdir()
    os.chown(folder, stranger.pw_uid, stranger.pw_gid)
    return folder


@pytest.fixture(autouse=True)
def same_rights() -> Iterator[None]:
    """Root is root afterwards, whatever happened."""
    before = (os.getresuid(), os.getresgid(), os.getgroups())
    yield
    assert (os.getresuid(), os.getresgid(), os.getgroups()) == before


def test_who_else_can_change_what_a_path_leads_to(open_folder: Path, theirs: Path, stranger: pwd.struct_passwd) -> None:
    (open_folder / "mine").write_text("")
    (theirs / "roots").write_text("")
    (open_folder / "by root").symlink_to("mine")
    (open_folder / "to theirs").symlink_to(theirs / "roots")
    (open_folder / "by them").symlink_to("mine")
    os.chown(open_folder / "by them", stranger.pw_uid, -1, follow_symlinks=False)
    (open_folder / "group").mkdir(mode=0o775)
    (open_folder / "group").chmod(0o775)
    os.chown(open_folder / "group", 0, stranger.pw_gid)
    (open_folder / "group" / "file").write_text("")
    expected = {"mine": 0, "by root": 0, "site/../mine": stranger.pw_uid, "site": stranger.pw_uid}
    expected |= {"site/roots": stranger.pw_uid, "to theirs": stranger.pw_uid, "by them": stranger.pw_uid}
    expected |= {"group/file": rights.NOBODY, "group": rights.NOBODY}
    assert {name: rights.controller(open_folder / name) for name in expected} == expected | {"site/../mine": 0}
    (open_folder / "loop").symlink_to("loop")
    with pytest.raises(OSError, match="symbolic links"):
        rights.controller(open_folder / "loop")
    with pytest.raises(FileNotFoundError):
        rights.controller(open_folder / "none")


def test_programs_are_not_looked_for_where_others_put_them(
    open_folder: Path, theirs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{theirs}:{open_folder}:.:/nowhere/{open_folder.name}:/usr/bin")
    found = rights.search_path().split(":")
    assert str(theirs) not in found
    assert "." not in found
    assert {str(open_folder), "/usr/bin", "/usr/sbin"} <= set(found)
    (theirs / "haproxy").write_text("#!/bin/sh\nexit 1\n")
    (theirs / "haproxy").chmod(0o755)
    assert not Path(process.program()).is_relative_to(theirs)


def test_settings_are_read_with_the_rights_of_their_author(theirs: Path, secret: Path) -> None:
    settings = theirs / "seawall.toml"
    settings.symlink_to(secret)
    with pytest.raises(ConfigError, match="Permission denied") as caught:
        load(settings)
    assert "hidden" not in str(vars(caught.value))
    settings.unlink()
    os.mkfifo(settings)
    with pytest.raises(ConfigError, match="no regular file"):
        load(settings)
    settings.unlink()
    assert load(settings).servers.min == 2, "there is none, so the defaults count"
    settings.write_text("servers.min = 3\n")
    assert load(settings).servers.min == 3


def test_a_group_of_the_author_counts(theirs: Path, secret: Path, stranger: pwd.struct_passwd) -> None:
    second = next(gid for gid in os.getgrouplist(stranger.pw_name, stranger.pw_gid) if gid != stranger.pw_gid)
    for gid, allowed in ((second, True), (stranger.pw_gid, True), (0, False)):
        os.chown(secret, 0, gid)
        secret.chmod(0o640)
        if allowed:
            assert b"hidden" in rights.read(secret, stranger.pw_uid)
        else:
            with pytest.raises(PermissionError):
                rights.read(secret, stranger.pw_uid)


@pytest.fixture
def pem(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A certificate with its key that root alone may read."""
    monkeypatch.setenv("XDG_DATA_HOME", str(open_folder / "data"))
    folder = open_folder / "roots"
    paths = Paths(folder, open_folder / "r")
    folder.mkdir()
    create(paths)
    return ensure_certificate(paths, ())


def named(project: Path, pem: Path | str) -> Paths:
    """The project with this in its settings, and what root keeps of it."""
    (project / "seawall.toml").unlink(missing_ok=True)
    (project / "seawall.toml").write_text(f'https.certificate = "{pem}"\n')
    paths = Paths(project, project.parent / "run", project.parent / "kept" / "s", project.parent / "logs" / "s")
    create(paths)
    return paths


def test_a_certificate_is_read_with_the_rights_of_who_named_it(
    theirs: Path, pem: Path, stranger: pwd.struct_passwd
) -> None:
    paths = named(theirs, pem)
    assert ensure_certificate(paths, (), pem).read_bytes() == pem.read_bytes(), "root's file names it: root reads it"
    os.chown(theirs / "seawall.toml", stranger.pw_uid, -1)
    with pytest.raises(ConfigError, match=f"cannot be read by {stranger.pw_name}.*Permission denied") as refused:
        ensure_certificate(paths, (), pem)
    remedy, _, other = refused.value.remedy.partition("\n")
    assert other == f"Or let {stranger.pw_name} read it: ls -l {shell(pem)}"
    subprocess.run(remedy.partition(": ")[2], shell=True, check=True)
    assert ensure_certificate(paths, (), pem).read_bytes() == pem.read_bytes(), "the remedy works as it is typed"
    # Root's file again, but it names another one: it was put there after what it says had been read.
    named(theirs, "other.pem")
    with pytest.raises(ConfigError, match="Permission denied"):
        ensure_certificate(paths, (), pem)
    # Root names a file of the project, and its owner makes that a link.
    link = theirs / "own.pem"
    link.symlink_to(pem)
    paths = named(theirs, "own.pem")
    with pytest.raises(
        ConfigError, match=f"by {stranger.pw_name}, who can change what is found at .*denied"
    ) as refused:
        ensure_certificate(paths, (), link)
    assert refused.value.remedy.startswith("Keep the certificate where only root can change anything")
    link.unlink()
    link.write_bytes(pem.read_bytes())
    used = ensure_certificate(paths, (), link)
    assert used.is_relative_to(paths.state), "HAProxy, as root, opens a file that only root can replace"
    assert used.read_bytes() == pem.read_bytes()


def test_root_keeps_no_authority_where_another_user_may_write(
    theirs: Path, open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for data, taken in ((theirs, False), (theirs / "new", False), (open_folder / "data", True)):
        monkeypatch.setenv("XDG_DATA_HOME", str(data))
        assert authority.home().is_relative_to(data) is taken


def test_a_socket_is_no_settings(theirs: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(theirs / "seawall.toml"))
        with pytest.raises(ConfigError, match="cannot be read"):
            load(theirs / "seawall.toml")


def test_another_thread_keeps_roots_rights(theirs: Path, stranger: pwd.struct_passwd) -> None:
    """Root looks through /proc in a thread, and would miss processes there while it reads somebody's project."""
    (theirs / "file").write_text("x")
    seen, done = set(), threading.Event()

    def look() -> None:
        while not done.is_set():
            seen.add(rights.as_ourselves(os.geteuid))

    thread = threading.Thread(target=look)
    thread.start()
    for _ in range(300):
        assert rights.read(theirs / "file") == b"x"
    done.set()
    thread.join()
    assert seen == {0}
