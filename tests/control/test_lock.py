"""The lock: one control plane a site, also after its file was removed."""

import os
from pathlib import Path

import pytest

from seawall.control.lock import Lock, holder, in_charge
from seawall.errors import AlreadyRunning
from seawall.paths import Paths


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path, tmp_path)


def test_a_second_one_is_refused_and_told_whose_it_is(paths: Paths) -> None:
    with in_charge(paths), pytest.raises(AlreadyRunning, match=f"process {os.getpid()}"):
        Lock(paths).take()
    with in_charge(paths):
        pass


def test_the_holder_is_known(paths: Paths) -> None:
    assert holder(paths) is None
    with in_charge(paths):
        found = holder(paths)
        assert found is not None
        assert found.pid == os.getpid()
        found.close()
    assert holder(paths) is None


def test_a_lock_whose_file_was_removed_is_taken_again(paths: Paths) -> None:
    with in_charge(paths) as lock:
        lock.renew()
        paths.control_lock.unlink()
        lock.renew()
        with pytest.raises(AlreadyRunning):
            Lock(paths).take()


def test_who_comes_too_late_to_take_it_again_is_told(paths: Paths) -> None:
    with in_charge(paths) as lock:
        paths.control_lock.unlink()
        with in_charge(paths), pytest.raises(AlreadyRunning):
            lock.renew()


def test_a_link_in_its_place_is_not_followed(paths: Paths, tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("precious")
    paths.control_lock.symlink_to(target)
    with pytest.raises(OSError, match="symbolic links"):
        Lock(paths).take()
    assert target.read_text() == "precious"
