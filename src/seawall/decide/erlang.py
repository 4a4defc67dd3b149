"""How many servers an offered load needs, by the Erlang C formula (M/M/c, A. K. Erlang 1917).

The offered load `a` is the mean number of places in use: requests a second times the seconds of each (Little's law).
"""

import math

PATIENCE = 0.1  # s that a request may wait for a place
SHARE = 0.005  # of the requests may wait longer
CLOSED = 50.0  # offered load above which the closed form is as good (S. Halfin, W. Whitt 1981)


def wait_longer(places: int, load: float, patience: float) -> float:
    """The share of requests that wait longer than `patience`, in times of their service."""
    if load <= 0:
        return 0.0
    if places <= load:
        return 1.0
    any_wait = _closed(places, load) if load > CLOSED else _exact(places, load)
    return any_wait * math.exp(-(places - load) * patience)


def _exact(places: int, load: float) -> float:
    blocked = 1.0  # Erlang B, by its recursion
    for place in range(1, places + 1):
        blocked = load * blocked / (place + load * blocked)
    return blocked / (1 - load / places * (1 - blocked))


def _closed(places: int, load: float) -> float:
    spare = (places - load) / math.sqrt(places)
    density = math.exp(-spare * spare / 2) / math.sqrt(2 * math.pi)
    below = (1 + math.erf(spare / math.sqrt(2))) / 2
    return 1 / (1 + spare * below / density) if density > 0 else 0.0


def servers(load: float, slots: int, service: float, streams: int = 0) -> int:
    """The smallest number of servers of `slots` places each that serves `load` well; `service`: s of each request.

    One place in √load more than are in use on average, and no more than SHARE wait longer than PATIENCE. Each of the
    `streams` keeps one place.
    """
    if load <= 0 or service <= 0:
        return math.ceil(streams / slots)
    number = max(1, math.ceil((load + math.sqrt(load) + streams) / slots - 1e-9))
    while wait_longer(number * slots - streams, load, PATIENCE / service) > SHARE:
        number += 1
    return number
