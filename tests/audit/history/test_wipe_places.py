"""A secret is gone from every kind of place, or the wipe refuses to begin; what it cannot see it does not touch."""

from pathlib import Path

import pytest

from seawall.audit.history.wipe.refuse import Refused
from tests.audit.history.hiding import KINDS, one
from tests.audit.history.repository import git
from tests.audit.history.wiping import left, raw, state, surveyed, wiped

REFUSED = {
    "object in a borrowed store",
    "a rebase's message",
    "commit that only another work tree's HEAD names",
    "file that only another work tree's index names",
    "change not yet staged",
    "file that is only staged",
    "one side of a conflict",
    "history that a graft cuts off",
}


@pytest.mark.parametrize("name", [name for name in KINDS if name not in REFUSED])
def test_gone(name: str, tmp_path: Path) -> None:
    repo, secret = one(name, tmp_path / "repo")
    before = state(repo)
    found = surveyed(repo)
    if found is None or found.nothing:  # only in files that git does not know, or not found at all
        assert not left(repo)
        assert state(repo) == before
        return
    outcome = wiped(repo)
    assert not outcome.remaining
    assert not left(repo)
    assert secret.encode() not in raw(repo)
    git(repo, "fsck", "--strict", "--no-dangling")
    assert left(outcome.backup), "the backup is the original"
    assert outcome.backup.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_refused(name: str, tmp_path: Path) -> None:
    repo, _ = one(name, tmp_path / "repo")
    before = state(repo)
    with pytest.raises(Refused) as refused:
        surveyed(repo)
    assert refused.value.remedy
    assert state(repo) == before
