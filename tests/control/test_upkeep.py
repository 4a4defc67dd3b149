"""What a running site's files need: a trouble with them is told once, and ends."""

from pathlib import Path

from seawall.control.troubles import Troubles
from seawall.control.upkeep import _bound_logs
from seawall.model import Event
from seawall.paths import LIMITS, Paths


def test_a_log_that_cannot_be_kept_small_is_a_trouble_until_it_can(tmp_path: Path) -> None:
    paths = Paths(tmp_path, tmp_path / "r", printed=tmp_path)
    told: list[Event] = []
    troubles = Troubles(told.append)
    for name in ("application.log", "control.log"):
        (tmp_path / f"{name}.1").mkdir()
        with (tmp_path / name).open("w") as log:
            log.truncate(LIMITS[name] + 1)
    for _ in range(3):
        _bound_logs(paths, troubles)
    assert len(told) == 1
    assert all(name in told[0].text for name in ("application.log", "control.log"))
    for name in ("application.log", "control.log"):
        (tmp_path / f"{name}.1").rmdir()
    _bound_logs(paths, troubles)
    assert troubles.present == []
