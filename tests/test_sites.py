"""A site is found from its project's folder: at every hour, after a move, in the places of an earlier version."""

import json
import os
import pwd
import shutil
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from seawall import paths, sites
from seawall.errors import StateUnusable
from seawall.paths import Paths, create, locate
from tests import users

UID = os.geteuid()


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Runtime folders of this test alone."""
    root = tmp_path / "run"
    monkeypatch.setattr(sites, "runtime_root", lambda uid: root)
    monkeypatch.setattr(sites, "places", lambda uid: [root, tmp_path / "old"])
    monkeypatch.setattr(paths, "STATES", tmp_path / "states")
    monkeypatch.setattr(paths, "LOGS", tmp_path / "logs")
    return root


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    return folder


def started(project: Path) -> Paths:
    """As `seawall up` leaves it: something runs."""
    found = locate(project)
    create(found)
    found.processes.write_text("{}")
    return found


def test_what_is_missing_is_made_again_and_said(root: Path, project: Path) -> None:
    found = locate(project)
    assert root in {path.parent for path in create(found)}
    assert create(found) == []
    shutil.rmtree(found.runtime)
    assert create(found) == [found.runtime, found.sockets, found.offered, found.runtime / "site.json"]
    shutil.rmtree(found.logs)
    assert create(found) == [found.logs]
    for folder in (found.sockets, found.offered):
        folder.chmod(0o1731)
    assert create(found) == []
    assert stat.S_IMODE(found.offered.stat().st_mode) == 0o1731, "a command's group may go on making sockets there"
    assert stat.S_IMODE(found.sockets.stat().st_mode) == 0o711, "but not where balancers look for them"
    modes = [stat.S_IMODE(folder.stat().st_mode) for folder in (root, found.runtime, found.state, found.logs)]
    assert modes == [0o711, 0o711, 0o700, 0o700]


@pytest.mark.skipif(UID != 0, reason="others keep it in the project")
def test_root_keeps_nothing_in_the_project(root: Path, project: Path) -> None:
    found = started(project)
    assert list(project.iterdir()) == []
    assert (found.state.parent.name, found.logs.parent.name) == ("states", "logs")
    assert found.runtime.name == found.state.name == found.logs.name


def test_a_project_that_has_moved_is_found(root: Path, project: Path, tmp_path: Path) -> None:
    before = started(project)
    moved = project.rename(tmp_path / "moved")
    assert locate(moved).runtime == before.runtime
    create(locate(moved))
    assert locate(moved).runtime == before.runtime
    # A new project where the old one was is another site, also after that one has ended.
    project.mkdir()
    other = started(project)
    assert other.runtime != before.runtime
    before.processes.unlink()
    assert locate(project).runtime == other.runtime
    other.processes.unlink()
    assert locate(project).runtime == before.runtime, "nothing runs there any more"


def test_code_that_is_exchanged_as_a_whole_is_the_same_site(root: Path, project: Path, tmp_path: Path) -> None:
    before = started(project)
    old = project.rename(tmp_path / "shop.old")
    project.mkdir()
    assert locate(project).runtime == before.runtime
    create(Paths(project, before.runtime))  # as the control plane does, every few seconds
    assert locate(project).runtime == before.runtime
    assert locate(old).runtime != before.runtime


def test_a_copy_is_another_site(root: Path, project: Path, tmp_path: Path) -> None:
    before = started(project)
    copy = Path(shutil.copytree(project, tmp_path / "copy"))
    assert locate(copy).runtime != before.runtime


def test_what_is_unknown_in_a_record_is_passed_over(root: Path, project: Path, tmp_path: Path) -> None:
    before = started(project)
    claim = before.runtime / "site.json"
    claim.write_text(json.dumps({**json.loads(claim.read_text()), "colour": "blue"}))
    assert locate(project.rename(tmp_path / "moved")).runtime == before.runtime


@pytest.mark.parametrize(
    "change", [{"boot": "before"}, {"inode": 1}, {"device": 1}, {"inode": "x"}, {"version": 2}, None]
)
def test_a_record_of_another_folder_is_not_believed(root: Path, project: Path, tmp_path: Path, change: object) -> None:
    before = started(project)
    claim = before.runtime / "site.json"
    told = json.loads(claim.read_text())
    claim.write_text(json.dumps({**told, **change}) if isinstance(change, dict) else "{")
    moved = project.rename(tmp_path / "moved")
    assert locate(moved).runtime != before.runtime


def test_what_an_earlier_version_left_running_is_found(root: Path, project: Path, tmp_path: Path) -> None:
    old = tmp_path / "old" / locate(project).runtime.name
    old.mkdir(parents=True)
    assert locate(project).runtime.parent == root
    (old / "processes.json").write_text("{}")
    assert locate(project).runtime == old
    (old / "processes.json").unlink()
    assert locate(project).runtime.parent == root


@pytest.mark.skipif(UID != 0, reason="only root can give files away")
@pytest.mark.parametrize("theirs", ["", "SITE", "SITE/processes.json"])
def test_what_another_user_put_there_is_not_believed(
    root: Path, project: Path, tmp_path: Path, stranger: pwd.struct_passwd, theirs: str
) -> None:
    name = locate(project).runtime.name
    old = tmp_path / "old" / name
    old.mkdir(parents=True)
    (old / "processes.json").write_text("{}")
    os.chown(tmp_path / "old" / theirs.replace("SITE", name), stranger.pw_uid, -1)
    assert locate(project).runtime.parent == root


@pytest.mark.skipif(UID != 0, reason="only root can give files away")
def test_a_folder_of_another_user_is_refused(root: Path, project: Path, stranger: pwd.struct_passwd) -> None:
    """As in /tmp, where anybody can make a folder of any name first."""
    root.mkdir()
    os.chown(root, stranger.pw_uid, -1)
    with pytest.raises(StateUnusable, match="belongs to another user"):
        create(locate(project))
    assert list(root.iterdir()) == []


def test_links_in_a_cloned_repository_are_refused(root: Path, project: Path, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    for name in (".seawall", ".seawall/logs"):
        (project / name).symlink_to(tmp_path / "home")
        with pytest.raises(StateUnusable, match="symbolic link"):
            create(Paths(project, root / "s"))
        (project / name).unlink()
        (project / ".seawall").mkdir(exist_ok=True)
    assert list((tmp_path / "home").iterdir()) == []


def test_a_project_that_is_gone_is_not_made_again(root: Path, project: Path) -> None:
    found = locate(project)
    create(found)
    project.rename(project.with_name("moved"))
    shutil.rmtree(found.runtime)
    with pytest.raises(StateUnusable, match=r"project's folder .* is gone"):
        create(found)
    assert found.sockets.is_dir(), "what running processes need is there again"
    assert not project.exists()


@pytest.fixture
def their_project(open_folder: Path, stranger: pwd.struct_passwd) -> Path:
    folder = open_folder / "shop"
    folder.mkdir()
    users.give(folder, stranger)
    return folder


def ask(user: pwd.struct_passwd, project: Path, what: str) -> str:
    code = f"from pathlib import Path; from seawall import sites, paths; p = Path({str(project)!r}); print({what})"
    done = users.run(user, users.PYTHON, "-c", code)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_place_of_an_ordinary_user(stranger: pwd.struct_passwd, their_project: Path) -> None:
    found = ask(stranger, their_project, "paths.locate(p).runtime")
    assert found.startswith(f"{stranger.pw_dir}/.local/state/seawall/shop-")
    ask(stranger, their_project, "paths.create(paths.locate(p))")
    left = {path.name: (path.stat().st_uid, stat.S_IMODE(path.stat().st_mode)) for path in Path(found).iterdir()}
    folders = {"s": (stranger.pw_uid, 0o711), "c": (stranger.pw_uid, 0o711)}
    assert left == folders | {"site.json": (stranger.pw_uid, 0o644)}
    kept = their_project / ".seawall"
    assert {path.name for path in kept.iterdir()} == {".gitignore", "logs", "mark"}
    os.chown(stranger.pw_dir, 0, -1)
    try:
        found = ask(stranger, their_project, "paths.locate(p).runtime")
        assert found.startswith(f"/tmp/seawall-{stranger.pw_uid}/shop-")
    finally:
        os.chown(stranger.pw_dir, stranger.pw_uid, -1)
    shutil.rmtree(kept)


@pytest.fixture
def roots_site(their_project: Path) -> Iterator[Paths]:
    """What root runs from another user's folder, in the real places."""
    found = locate(their_project)
    yield found
    for folder in (found.runtime, found.state, found.logs):
        shutil.rmtree(folder, ignore_errors=True)


def test_whose_site_it_is(roots_site: Paths, stranger: pwd.struct_passwd) -> None:
    project = roots_site.project
    assert ask(stranger, project, "sites.whose(p)") == "None"
    create(roots_site)
    assert ask(stranger, project, "sites.whose(p)") == "None", "nothing runs yet"
    roots_site.processes.write_text("{}")
    assert ask(stranger, project, "sites.whose(p)") == "root"
    assert "sudo seawall" in ask(stranger, project, "sites.run_by_another(p).remedy")
    assert sites.whose(project) is None
    roots_site.processes.unlink()
    theirs = ask(stranger, project, "(f := paths.locate(p), paths.create(f), f.processes.write_text('{}'))[0].runtime")
    assert sites.whose(project) == stranger.pw_name
    refused = sites.run_by_another(project)
    assert refused is not None
    assert f"sudo -u {stranger.pw_name} seawall" in refused.remedy
    shutil.rmtree(theirs)


def test_whose_site_it_is_after_its_folder_was_moved(roots_site: Paths, stranger: pwd.struct_passwd) -> None:
    """Root's folders may not be listed by others, but a site that runs has sockets there."""
    create(roots_site)
    roots_site.processes.write_text("{}")
    moved = roots_site.project.rename(roots_site.project.with_name("moved"))
    with socket.socket(socket.AF_UNIX) as control:
        control.bind(str(roots_site.control_socket))
        assert ask(stranger, moved, "sites.whose(p)") == "root"


def test_whose_site_it_is_for_root_after_its_folder_was_moved(their_project: Path, stranger: pwd.struct_passwd) -> None:
    made = ask(
        stranger, their_project, "(f := paths.locate(p), paths.create(f), f.processes.write_text('{}'))[0].runtime"
    )
    moved = their_project.rename(their_project.with_name("moved"))
    assert sites.whose(moved) == stranger.pw_name
    assert sites.whose(moved.parent) is None
    shutil.rmtree(made)


def test_nonsense_of_another_user_does_not_stop_us(
    their_project: Path, stranger: pwd.struct_passwd, open_folder: Path
) -> None:
    """Root looks whose site it is in the home of a user, who may have put anything there."""
    state = Path(stranger.pw_dir, ".local")
    shutil.rmtree(state, ignore_errors=True)
    state.symlink_to(state)
    try:
        assert sites.whose(their_project) is None
        state.unlink()
        folder = state / "state/seawall" / sites._name(their_project)
        folder.mkdir(parents=True)
        (folder / "processes.json").touch()
        for nonsense in ("[" * 60000, "{}", '{"project": {}, "device": []}', "\0", "7" * 60000):
            (folder / "site.json").write_text(nonsense)
            users.give(state, stranger)
            assert sites.whose(their_project) == stranger.pw_name, "as with 0.1.0, which wrote no such file"
    finally:
        state.unlink() if state.is_symlink() else shutil.rmtree(state)


@pytest.mark.parametrize(("kind", "local"), [("ext4", True), ("nfs4", False), ("fuse.sshfs", False)])
def test_a_home_that_other_machines_share_is_not_used(monkeypatch: pytest.MonkeyPatch, kind: str, local: bool) -> None:
    lines = ["20 1 8:1 / / rw - ext4 /dev/sda1 rw", f"21 20 0:9 / /home/ann rw,nosuid shared:7 master:3 - {kind} x rw"]
    monkeypatch.setattr(sites, "_mounts", lambda: lines)
    assert sites._is_local(Path("/home/ann/.local/state/seawall")) is local
    assert sites._is_local(Path("/home/anna/.local"))


def test_the_longest_socket_path_can_be_bound() -> None:
    assert len(os.fsencode(Path("/x") / sites.LONGEST)) < sites.SOCKET_PATH_LIMIT
    name = sites._name(Path("/srv/" + "a" * 100))
    longest = Paths(Path("/"), Path("/r") / name)
    reserved = len(str(Path("/r") / sites.LONGEST))
    for path in (longest.server_socket("s9999999"), Path(f"{longest.balancer_socket('a')}.4194304.tmp")):
        assert len(str(path)) <= reserved
