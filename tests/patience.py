"""How long tests wait, and how they compare what takes time, on a machine that may be busy with something else."""

import time
from collections.abc import Callable

PATIENCE = 120.0  # s after which what surely comes is missed; no test that passes waits so long
NOTICEABLE = 0.005  # s of processor time; less says nothing


def starved() -> float:
    """How many times its processor time work takes just now: 1 on an idle machine."""
    began, used = time.monotonic(), time.thread_time()
    while time.thread_time() - used < 0.1:
        sum(range(1000))
    return max(1.0, (time.monotonic() - began) / (time.thread_time() - used))


def computed(work: Callable[[], object], times: int = 3) -> float:
    """Processor seconds of `work`, at least NOTICEABLE: the least of some attempts, as other work only adds to it."""
    spent = []
    for _ in range(times):
        began = time.process_time()
        work()
        spent.append(time.process_time() - began)
    return max(min(spent), NOTICEABLE)


def until(done: Callable[[], object], what: str = "it") -> None:
    """Wait until `done()` is true."""
    end = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < end, f"{what} has not come in {PATIENCE:.0f} s"
        time.sleep(0.01)
