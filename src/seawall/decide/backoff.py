"""How long to wait before trying again what keeps failing."""

YOUNG = 10.0  # s: who dies younger than this died of itself, not of bad luck
FREE = 2  # early deaths in a row that are answered at once
LONGEST = 30.0  # s


def pause(deaths: int) -> float:
    """Seconds to wait after `deaths` early deaths in a row: 0, 0, then 0.5 s doubling to 30 s."""
    return 0.0 if deaths <= FREE else min(LONGEST, 0.5 * 2.0 ** min(deaths - FREE - 1, 10))
