"""A site left alone under a load: nobody fails, it stays between its limits, never flaps, and tells what it did.

python -m pytest -m soak -s tests/loads/test_played.py     ten minutes for each shape; -k "flash" for one of them
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.loads.player import Played, follows, make, play
from tests.loads.shapes import SHAPES, Shape
from tests.scenarios.site import Site, running

MIN, MAX, SLOTS = 1, 12, 4
SOAK, PEAK = 600.0, 150.0  # s, requests a second: a third of the two cores that this machine may have
SETTINGS = f"""
[https]
redirect = false
[servers]
min = {MIN}
max = {MAX}
concurrency = {SLOTS}
"""
SHORT_HOLD = 2.0  # s


def left_alone(site: Site, shape: Shape, hold: float) -> Played:
    """The shape played, and all that is to be so whatever it is."""
    played = play(site, shape)
    assert played.found.answers
    assert not played.found.failed
    assert min(played.sizes) >= MIN
    assert max(played.sizes) <= MAX
    assert all(MIN <= step.after <= MAX for step in played.steps)
    assert follows(played.steps)
    assert not played.soon_undone(hold)
    assert all("need" in step.text for step in played.steps)
    return played


@pytest.fixture
def short(tmp_path: Path) -> Iterator[Site]:
    """A site in a hurry to take servers away."""
    with running(make(tmp_path / "site", f"{SETTINGS}hold = {SHORT_HOLD}\n")) as site:
        yield site


def test_servers_come_with_a_crowd_and_go_after_it(short: Site) -> None:
    crowd = Shape("a crowd", (5.0,) * 3 + (80.0,) * 5 + (5.0,) * 15)
    played = left_alone(short, crowd, SHORT_HOLD)
    most = max(played.sizes)
    assert most >= 3, "80 requests a second of 0.1 s are 8 places in use, of which a server has 4"
    assert any(step.after > step.before for step in played.steps)
    assert any(step.after < step.before for step in played.steps)


@pytest.mark.soak
@pytest.mark.parametrize("name", SHAPES)
def test_ten_minutes_of(name: str, tmp_path: Path) -> None:
    shape = SHAPES[name].scaled(min(PEAK, SHAPES[name].peak)).within(SOAK)
    with running(make(tmp_path / "site", SETTINGS)) as site:
        played = left_alone(site, shape, 60.0)
    waited = [answer.seconds - int(answer.due.path[1:]) / 1000 for answer in played.found.answers]
    share = sum(wait > 0.1 for wait in waited) / len(waited)
    print(
        f"\n{name}: {len(waited)} requests, {share:.2%} waited longer than 100 ms,"
        f" {min(played.sizes)} to {max(played.sizes)} servers, {len(played.steps)} steps,"
        f" sender late by {played.found.late_ms:.1f} ms"
    )
