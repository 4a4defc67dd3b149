"""Who may read Seawall's own files."""

import os
from pathlib import Path

from seawall.fleet.interpreter import may_read


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
