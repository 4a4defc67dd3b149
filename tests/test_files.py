"""Files we keep are ours alone, and are where their path says, whoever else may have been in the folder."""

import ctypes
import os
import pwd
import shutil
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from seawall import files

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def append(path: Path, text: bytes = b"line\n") -> None:
    descriptor = files.open_to_append(path)
    os.write(descriptor, text)
    os.close(descriptor)


def test_what_is_made_is_for_us_alone(tmp_path: Path) -> None:
    append(tmp_path / "log")
    files.replace(tmp_path / "record", b"1")
    assert files.make_folder(tmp_path / "folder", 0o700)
    assert not files.make_folder(tmp_path / "folder", 0o700)
    assert [mode(tmp_path / name) for name in ("log", "record", "folder")] == [0o600, 0o600, 0o700]
    files.replace(tmp_path / "record", b"2", 0o644)
    assert (mode(tmp_path / "record"), (tmp_path / "record").read_bytes()) == (0o644, b"2")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "log", "record"]


def test_what_an_earlier_version_left_open_is_closed(tmp_path: Path) -> None:
    for name in ("log", "old.1", "kept"):
        (tmp_path / name).write_text("line\n")
        (tmp_path / name).chmod(0o664)
    tmp_path.chmod(0o777)
    append(tmp_path / "log")
    assert mode(tmp_path / "log") == 0o600
    (tmp_path / "outside").symlink_to("/etc/hostname")
    before = mode(Path("/etc/hostname"))
    files.make_folder(tmp_path, 0o700)
    files.close_to_others(tmp_path)
    assert {mode(tmp_path / name) for name in ("log", "old.1", "kept")} == {0o600}
    assert (mode(tmp_path), mode(Path("/etc/hostname"))) == (0o700, before)


def test_bits_beyond_what_is_needed_are_left_as_far_as_they_may_be(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    assert files.make_folder(folder, 0o711, 0o1731)
    assert mode(folder) == 0o711
    for given, kept in ((0o1731, 0o1731), (0o1777, 0o1731), (0o700, 0o711)):
        folder.chmod(given)
        files.make_folder(folder, 0o711, 0o1731)
        assert mode(folder) == kept


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """What must not be changed."""
    home = tmp_path / "home"
    (home / "logs").mkdir(parents=True)
    (home / "logs" / "log").write_text("mine\n")
    return home


def whole(home: Path) -> bool:
    return [(path.name, path.read_text()) for path in (home / "logs").iterdir()] == [("log", "mine\n")]


@pytest.mark.parametrize("link", ["state", "state/logs", "state/logs/log"])
def test_a_symbolic_link_leads_nowhere(tmp_path: Path, home: Path, link: str) -> None:
    """A cloned repository may bring `.seawall/logs/application.log -> ~/.bashrc`, or any folder above as a link."""
    (tmp_path / link).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / link).symlink_to(home.joinpath(*Path(link).parts[1:]))
    log = tmp_path / "state" / "logs" / "log"
    with pytest.raises(OSError, match="symbolic link") as caught:
        append(log)
    assert str(caught.value.filename).startswith(str(tmp_path / "state"))
    assert "symbolic link" in files.bound(log, 0)
    if link == "state/logs/log":
        files.replace(log, b"x")
        assert not log.is_symlink(), "the link itself is replaced"
    else:
        with pytest.raises(OSError, match="symbolic link"):
            files.replace(log, b"x")
        with pytest.raises(OSError, match="symbolic link"):
            files.make_folder(log.parent, 0o700)
    assert whole(home)


def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(OSError, match=r"No such device|Is a directory"):
            append(tmp_path / name)


@root_only
def test_what_belongs_to_another_user_is_not_touched(open_folder: Path, stranger: pwd.struct_passwd) -> None:
    theirs = open_folder / "theirs"
    theirs.mkdir()
    (theirs / "log").write_text("")
    (open_folder / "log").write_text("")
    for path in (theirs, open_folder / "log"):
        os.chown(path, stranger.pw_uid, stranger.pw_gid)
    for refused in (theirs / "log", theirs / "new", open_folder / "log"):
        with pytest.raises(PermissionError, match="belongs to another user"):
            append(refused)
    with pytest.raises(PermissionError, match="belongs to another user"):
        files.replace(theirs / "log", b"x")
    with pytest.raises(PermissionError, match="belongs to another user"):
        files.make_folder(theirs, 0o700)
    assert sorted(path.name for path in theirs.iterdir()) == ["log"]


def test_whatever_is_in_a_sockets_place_is_taken_away(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("mine\n")
    path = tmp_path / "s1.sock"
    files.remove(path)
    path.symlink_to(tmp_path / "mine")
    files.remove(path)
    path.mkdir()
    files.remove(path)
    (path / "deep").mkdir(parents=True)
    with pytest.raises(OSError, match="not empty"):
        files.remove(path)
    shutil.rmtree(path)
    path.write_text("")
    files.remove(path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    assert (tmp_path / "mine" / "file").read_text() == "mine\n"


def test_a_socket_is_reached_only_under_its_own_name(tmp_path: Path) -> None:
    """A command's user may write to the folder of sockets, where root connects to them and gives them to HAProxy."""
    real = tmp_path / "real"
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as client:
        listener.bind(str(real))
        listener.listen()
        with files.socket_address(real) as address:
            os.chmod(address, 0o640)
            client.connect(address)
        assert mode(real) == 0o640
        (tmp_path / "link").symlink_to(real)
        (tmp_path / "second").hardlink_to(real)
        (tmp_path / "file").write_text("")
        for name, why in (("link", "no socket"), ("second", "second name"), ("file", "no socket")):
            with pytest.raises(PermissionError, match=why), files.socket_address(tmp_path / name):
                pass


def test_a_log_is_kept_small_under_its_writers(tmp_path: Path) -> None:
    """All of them append; what was printed before is in `.1`, from the beginning of a line on, and nothing is torn."""
    log = tmp_path / "log"
    code = "import os\nfor n in range(20000): os.write(1, b'%d %6d %s\\n' % (int(os.environ['N']), n, b'x' * 80))"
    append(log)
    writers = []
    for number in "12":
        descriptor = files.open_to_append(log)
        environment = {**os.environ, "N": number}
        writers.append(subprocess.Popen([sys.executable, "-c", code], stdout=descriptor, env=environment))
        os.close(descriptor)
    limit = 200_000
    rounds = 0
    while any(writer.poll() is None for writer in writers):
        size = log.stat().st_size
        assert files.bound(log, limit) == ""
        rounds += size > limit
        kept = tmp_path / "log.1"
        if kept.exists():
            lines = kept.read_text().splitlines()
            assert {len(line) for line in lines if line != "line"} == {89}
            assert mode(kept) == 0o600
    assert rounds > 1
    assert b"\0" not in log.read_bytes()
    assert files.bound(log, limit) == ""
    assert log.stat().st_size <= limit


def test_the_end_of_a_log_is_kept(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("".join(f"{number:09}\n" for number in range(1000)))
    assert files.bound(log, 10_000) == ""
    assert log.stat().st_size == 10_000, "it is as large as it may be"
    log.write_text("".join(f"{number:09}\n" for number in range(1001)))
    assert files.bound(log, 5_005) == ""
    assert (tmp_path / "log.1").read_text() == "".join(f"{number:09}\n" for number in range(501, 1001))
    assert log.read_text() == ""
    assert files.bound(tmp_path / "none", 1) == ""


@root_only
def test_a_full_disk_loses_no_log(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)], check=True)
    try:
        log = folder / "log"
        append(log, b"x" * 900_000)
        assert "No space left" in files.bound(log, 500_000)
        assert log.stat().st_size == 900_000
        assert [path.name for path in folder.iterdir()] == ["log"], "no half copy takes the room that is left"
        assert files.bound(log, 100_000) == "", "as soon as there is room"
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def take_room(log: Path, room: int) -> int:
    """As an application can whose output it is: blocks that the length does not show. Returns its descriptor."""
    descriptor = files.open_to_append(log)
    keep_size = 1
    assert ctypes.CDLL(None).fallocate(descriptor, keep_size, ctypes.c_long(0), ctypes.c_long(room)) == 0
    return descriptor


def test_room_that_a_log_takes_beyond_its_end_is_given_back(tmp_path: Path) -> None:
    log = tmp_path / "log"
    append(log, b"kept\n")
    writer = take_room(log, 4_000_000)
    try:
        assert (log.stat().st_size, log.stat().st_blocks * 512 >= 4_000_000) == (5, True)
        assert files.bound(log, 100_000) == ""
        assert log.stat().st_blocks == 0
        assert (tmp_path / "log.1").read_bytes() == b"kept\n"
        os.write(writer, b"next\n")
        assert log.read_bytes() == b"next\n"
    finally:
        os.close(writer)


@root_only
@pytest.mark.parametrize("shown", [False, True])
def test_a_log_that_has_taken_the_whole_disk_gives_it_back(tmp_path: Path, shown: bool) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)], check=True)
    try:
        log = folder / "log"
        append(log, b"kept\n")
        if shown:
            append(log, b"x" * 2_000_000)
        else:
            os.close(take_room(log, 1_000_000))
        rest = os.open(folder / "rest", os.O_WRONLY | os.O_CREAT)
        while os.statvfs(folder).f_bfree:
            os.write(rest, b"x" * 4096)
        os.close(rest)
        assert files.bound(log, 100_000) == ""
        assert log.stat().st_blocks == 0
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_the_lines_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    append(path, b"first\n\xff second\nthird")
    assert list(files.lines(path, 100, 100)) == ["first\n", "\ufffd second\n", "third"]
    assert list(files.lines(path, 10, 100)) == ["third"], "from the beginning of a line on"
    assert list(files.lines(path, 100, 4))[:3] == ["firs", "t\n", "\ufffd se"]


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "record"
    files.replace(path, b"0" * 100_000)
    done = threading.Event()

    def write() -> None:
        for number in range(200):
            files.replace(path, str(number % 10).encode() * 100_000)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not done.is_set():
        seen = path.read_bytes()
        assert (len(seen), len(set(seen))) == (100_000, 1)
    writer.join()
