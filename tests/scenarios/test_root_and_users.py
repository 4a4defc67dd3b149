"""Root serves what another user owns: root changes nothing in that folder, and nothing else for that user."""

import contextlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import users
from tests.patience import until
from tests.scenarios.site import APPLICATION, SEAWALL, Site, processes_of, running, whole
from tests.scenarios.visitor import Visitor

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root serves for others")

SETTINGS = f'wsgi = "application:application"\npython = "{users.PYTHON}"\n'
# What root opened, emptied or changed the mode of in 0.1.0, and the folders on the way.
LOGS = ("application.log", "application.log.1", "control.log", "balancer-a.log", "balancer-b.log")
LINKS = (*(f"logs/{name}" for name in LOGS), "journal.jsonl", "journal.jsonl.1", "certificate.pem", ".gitignore")
LINKS += ("logs", ".")


FILLS = """
import ctypes, os
def application(environ, start_response):
    said = ""
    if environ["PATH_INFO"] == "/fill":
        keep_size = 1
        fallocate, room = ctypes.CDLL(None).fallocate, ctypes.c_long(100_000_000)
        for fd in os.listdir("/proc/self/fd"):
            path = f"/proc/self/fd/{fd}"
            if os.path.exists(path) and os.stat(path).st_uid == 0:
                for how in (keep_size, 0):
                    if fallocate(int(fd), how, ctypes.c_long(0), room) == 0:
                        said += os.readlink(path) + " "
    start_response("200 OK", [("Content-Length", str(len(said)))])
    return [said.encode()]
"""


@pytest.fixture
def their_site(open_folder: Path, stranger: pwd.struct_passwd) -> Site:
    folder = open_folder / "site"
    shutil.copytree(APPLICATION, folder, ignore=shutil.ignore_patterns("__pycache__"))
    site = Site(folder, SETTINGS)
    users.give(folder, stranger)
    return site


@pytest.fixture
def victim(open_folder: Path) -> Path:
    """Files of root, under every name that a link to a folder could lead to."""
    folder = open_folder / "etc"
    (folder / "logs").mkdir(parents=True)
    folder.chmod(0o700)
    for link in LINKS:
        if link not in ("logs", "."):
            path = folder / link
            path.parent.mkdir(exist_ok=True)
            path.write_text("root's own\n")
            path.chmod(0o640)
    return folder


def seen(folder: Path) -> dict[str, tuple[int, ...]]:
    """Everything in a folder: owner, mode, size, and when it was changed."""
    found = {}
    for path in [folder, *folder.rglob("*")]:
        at = path.lstat()
        found[str(path)] = (at.st_uid, at.st_gid, at.st_mode, at.st_size if stat.S_ISREG(at.st_mode) else 0)
    return found


@pytest.mark.parametrize("link", LINKS)
def test_links_in_the_project_lead_root_nowhere(
    their_site: Site, victim: Path, stranger: pwd.struct_passwd, link: str
) -> None:
    state = their_site.folder / ".seawall"
    place = state / link
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(victim / link)
    users.give(their_site.folder, stranger)
    before = seen(victim), seen(their_site.folder)
    with running(their_site):
        assert Visitor(their_site.https).get("/").status == 200
        their_site.run("restart", "all")
        assert their_site.run("logs").returncode == 0
    after = seen(victim), seen(their_site.folder)
    assert after[0] == before[0]
    made_by_root = {path for path, what in after[1].items() if what[0] == 0}
    assert made_by_root == set()
    assert {path: what for path, what in after[1].items() if path in before[1]} == before[1]


def test_what_the_application_has_from_root_cannot_fill_the_disk(their_site: Site, stranger: pwd.struct_passwd) -> None:
    (their_site.folder / "application.py").write_text(FILLS)
    users.give(their_site.folder, stranger)
    with running(their_site):
        log = their_site.paths.logs / "application.log"
        filled = Visitor(their_site.https).get("/fill").body.decode().split()
        assert set(filled) == {str(log)}
        until(lambda: log.stat().st_blocks * 512 < 40_000_000)


def test_whose_site_runs_is_said_where_its_folder_is_now_and_whose_port_it_is(
    their_site: Site, stranger: pwd.struct_passwd
) -> None:
    def told(folder: Path, *words: str) -> str:
        done = users.run(stranger, *users.seawall_command(folder, *words))
        assert done.returncode != 0
        return done.stderr

    with running(their_site):
        other = their_site.folder.with_name("other")
        shutil.copytree(their_site.folder, other)
        moved = their_site.folder.rename(their_site.folder.with_name("moved"))
        users.give(other, stranger)
        for words in (["status"], ["up", "--plain"], ["down"]):
            assert f"The site in {moved} is run by root." in told(moved, *words)
        said = told(other, "up", "--plain")
        assert f"Port {their_site.http} is taken by a program of root." in said
        moved.rename(their_site.folder)


def test_whose_site_runs_is_said(their_site: Site, stranger: pwd.struct_passwd) -> None:
    with running(their_site):
        for words in (["logs"], ["doctor"]):
            told = users.run(stranger, *users.seawall_command(their_site.folder, *words))
            assert "root" in told.stdout + told.stderr, (words, told)
        modes = {stat.S_IMODE(path.stat().st_mode) for path in (their_site.paths.state, their_site.paths.logs)}
        assert modes == {0o700}
        assert stat.S_IMODE((their_site.paths.logs / "application.log").stat().st_mode) == 0o600
        assert stat.S_IMODE((their_site.paths.runtime / "a.cfg").stat().st_mode) == 0o600


def test_a_repository_with_links_does_not_write_to_its_users_files(
    their_site: Site, open_folder: Path, stranger: pwd.struct_passwd
) -> None:
    """Nobody has to be root for this: a clone brings the link, and what the application prints goes to ~/.bashrc."""
    bashrc = open_folder / "bashrc"
    bashrc.write_text("alias ll='ls -l'\n")
    logs = their_site.folder / ".seawall" / "logs"
    logs.mkdir(parents=True)
    (logs / "application.log").symlink_to(bashrc)
    users.give(open_folder, stranger)
    refused = users.run(stranger, *users.seawall_command(their_site.folder, "up", "--plain"))
    assert refused.returncode == 1
    assert "application.log cannot be written: it is a symbolic link." in " ".join(refused.stderr.split())
    assert "Traceback" not in refused.stderr
    assert bashrc.read_text() == "alias ll='ls -l'\n"


@contextlib.contextmanager
def serving(user: pwd.struct_passwd, site: Site) -> Iterator[subprocess.Popen[bytes]]:
    """`seawall up` as the user, until it serves."""
    with site.log.open("ab") as log:
        words = users.command(user, *users.seawall_command(site.folder, "up", "--plain"))
        control = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while control.poll() is None and "serving https" not in site.log.read_text():
            assert time.monotonic() < deadline, site.log.read_text()
            time.sleep(0.05)
        assert control.poll() is None, site.log.read_text()
        yield control
    finally:
        users.run(user, *users.seawall_command(site.folder, "down"))
        if control.poll() is None:
            control.send_signal(signal.SIGKILL)
        control.wait()
        leftovers = processes_of(site)
        for pid in leftovers:
            os.kill(pid, signal.SIGKILL)
    assert not leftovers


def test_an_ordinary_user_serves_and_is_found_from_everywhere(
    their_site: Site, stranger: pwd.struct_passwd, open_folder: Path
) -> None:
    with serving(stranger, their_site):
        place = Path(stranger.pw_dir, ".local/state/seawall")
        assert [path.name for path in place.glob("*/processes.json")] == ["processes.json"]
        assert Visitor(their_site.https).get("/").status == 200
        # A login makes this folder, and a logout takes it away: neither matters.
        login = Path(f"/run/user/{stranger.pw_uid}")
        login.mkdir(mode=0o700)
        os.chown(login, stranger.pw_uid, stranger.pw_gid)
        try:
            assert "s1" in users.run(stranger, *users.seawall_command(their_site.folder, "status")).stdout
        finally:
            login.rmdir()
        told = subprocess.run(
            [*SEAWALL, "-C", their_site.folder, "logs"], capture_output=True, text=True, check=False, timeout=60
        )
        assert f"is run by {stranger.pw_name}" in told.stderr
        # The folder moves while it runs, and is asked from where it is now.
        moved = their_site.folder.rename(open_folder / "moved")
        assert "s1" in users.run(stranger, *users.seawall_command(moved, "status")).stdout
        assert users.run(stranger, *users.seawall_command(moved, "down")).returncode == 0
        moved.rename(their_site.folder)


def test_settings_of_another_users_site(their_site: Site, open_folder: Path, stranger: pwd.struct_passwd) -> None:
    """Root reads what changed in seawall.toml with that user's rights, and writes nothing there."""
    file = their_site.folder / "seawall.toml"

    def says(settings: str) -> None:
        their_site.write(SETTINGS + settings)
        users.give(their_site.folder, stranger)

    def refused(said: str) -> None:
        done = their_site.run("reload")
        assert done.returncode == 2
        assert said in done.stderr
        assert "secret" not in done.stderr

    with running(their_site):
        says("[servers]\nmin = 3\nmax = 6\nqueue_timeout = 9\n")
        assert their_site.run("reload").returncode == 0
        before = file.read_text(), file.stat().st_mtime_ns, file.stat().st_uid
        done = their_site.run("set", "servers.min", "4", "--save")
        assert done.returncode == 1
        assert f"can be changed by {stranger.pw_name}, so root does not write there" in done.stderr
        assert "[servers]\n  min = 4" in done.stderr
        assert (file.read_text(), file.stat().st_mtime_ns, file.stat().st_uid) == before
        their_site.wait(lambda state: whole(state) and len(state["servers"]) == 4)
        says('user = "root"\n')
        refused("only root may name another user")
        secret = open_folder / "secret.toml"
        secret.write_text("secret = 1\n")
        secret.chmod(0o600)
        file.unlink()
        file.symlink_to(secret)
        os.chown(file, stranger.pw_uid, stranger.pw_gid, follow_symlinks=False)
        refused("cannot be read: Permission denied")
        assert len(their_site.servers()) == 4
