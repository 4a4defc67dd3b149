"""How fast a scan goes on, as its bar says it."""

import pytest

from seawall.cli.secrets_progress import _pace


@pytest.mark.parametrize(
    ("done", "total", "seconds", "said"),
    [
        (0, 0, 1.0, ""),
        (10, 10, 0.01, ""),
        (50_000_000, 100_000_000, 2.0, "25.0 MB/s 0:00:02"),
        (50_000_000, 50_000_000, 2.0, "25.0 MB/s 0:00:00"),
        (9_000_000, 8_000_000, 3.0, "3.0 MB/s 0:00:00"),
        (1_000, 7_201_000, 1.0, "1.0 kB/s 2:00:00"),
    ],
)
def test_the_pace(done: int, total: int, seconds: float, said: str) -> None:
    assert _pace(done, total, seconds) == said
