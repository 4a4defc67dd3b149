"""Which folder a command is about, where others may put files on the way up."""

import os
import pwd
from pathlib import Path

import pytest

from seawall.cli.project import find_project


@pytest.fixture
def below(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder we are in, two below one that may be a site."""
    folder = open_folder / "a" / "b"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def test_the_nearest_folder_that_is_a_site(open_folder: Path, below: Path) -> None:
    assert find_project(None) == below
    (open_folder / "seawall.toml").touch()
    assert find_project(None) == open_folder
    (open_folder / "a" / ".seawall").mkdir()
    assert find_project(None) == open_folder / "a"
    assert find_project(open_folder) == open_folder


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_others_put_above_does_not_count(open_folder: Path, below: Path, stranger: pwd.struct_passwd) -> None:
    """seawall.toml says what to run: one in /tmp must not be obeyed by whoever works in a folder there."""
    (open_folder / "seawall.toml").touch()
    (open_folder / "a" / ".seawall").mkdir()
    for path in (open_folder / "seawall.toml", open_folder / "a" / ".seawall"):
        os.chown(path, stranger.pw_uid, -1)
    assert find_project(None) == below
    os.chown(below, stranger.pw_uid, -1)
    assert find_project(None) == open_folder / "a", "root asks for the user in whose folder it is"
