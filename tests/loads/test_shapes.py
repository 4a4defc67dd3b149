"""The decisions under every load shape in a simulated fleet: fewer wait than with others' rules, at much the same cost.

python -m pytest -m soak -s tests/loads/test_shapes.py     the whole shapes, with servers that start at once and slowly
"""

from dataclasses import dataclass

import pytest

from seawall.model import Site
from tests.loads.fleet import Fleet, Outcome, Ruled
from tests.loads.ours import Ours
from tests.loads.rules import RULES
from tests.loads.shapes import SHAPES, SHORT, Shape

MIN, MAX, SLOTS = 2, 60, 4
FORKED, IMPORTED, COLD = 0.1, 1.0, 4.0  # s a server takes to start
MISSED = 0.2  # times as many may wait longer than 100 ms as with HPA at 80 %
CHANCE = 0.005  # share of the requests that the law itself lets wait
HOURS = 1.45  # times the server-hours of HPA, which saves them by letting people wait
# Bursts of seconds, which HPA does not see at all.
BURSTS = {"nasa": 2.0, "noise": 2.2, "on-off 12 s": 1.8}


@dataclass(frozen=True)
class Judged:
    ours: Outcome
    others: dict[str, Outcome]
    site: Ours

    def __str__(self) -> str:
        sides = {"Seawall": self.ours, **self.others}
        return "; ".join(
            f"{name} {side.missed:.2%} waited, {side.server_seconds / 3600:.2f} server-hours, {side.flaps} flaps"
            for name, side in sides.items()
        )


def judged(shape: Shape, delay: float) -> Judged:
    """The same arrivals at three fleets."""
    site = Ours(Site(min=MIN, max=MAX, slots=SLOTS))
    ours = Fleet(SLOTS, delay=delay).play(shape.arrivals(1), shape.seconds, site)
    others = {
        name: Fleet(SLOTS, delay=delay).play(shape.arrivals(1), shape.seconds, Ruled(rule(), MIN, MAX))
        for name, rule in RULES.items()
    }
    return Judged(ours, others, site)


def holds(found: Judged, name: str) -> None:
    ours, hpa = found.ours, found.others["HPA"]
    assert ours.missed <= max(MISSED * hpa.missed, CHANCE)
    assert ours.server_seconds <= BURSTS.get(name, HOURS) * hpa.server_seconds
    assert not ours.flaps
    assert all(MIN <= servers <= MAX for _, servers in ours.sizes)
    told = [event.text for _, event in found.site.events if event.kind in ("scale-up", "scale-down")]
    assert len(told) == len(ours.sizes) - 1, "each change is told, and nothing else"
    assert all("need" in text for text in told)


@pytest.mark.parametrize("name", SHORT)
def test_hardly_anybody_waits_and_nothing_flaps(name: str) -> None:
    found = judged(SHORT[name], FORKED)
    print(f"\n{name}: {found}")
    holds(found, name)


@pytest.mark.soak
@pytest.mark.parametrize("delay", [FORKED, IMPORTED, COLD])
@pytest.mark.parametrize("name", SHAPES)
def test_the_whole_of(name: str, delay: float) -> None:
    found = judged(SHAPES[name], delay)
    print(f"\n{name}, {delay:g} s to start: {found}")
    holds(found, name)
