"""The default of `servers.max`: how many servers this machine is good for."""

from dataclasses import dataclass

from seawall.allowance import memory_limit, processors

# A server of a few threads waits most of the time; with more than these the processor would be full of them.
THREADS_A_CORE = 8
# An event loop uses a processor by itself when it is busy; a second one has work while the first one waits for a disk.
LOOPS_A_CORE = 2
# MB that one more takes: servers that are forked share most of the application, a command's share nothing.
FORKED, SEPARATE = 80, 250
LARGEST = 200  # servers.max may not be larger either


@dataclass(frozen=True)
class Most:
    """The number, and the reason for it."""

    servers: int
    why: str


def most(least: int, kind: str) -> Most:
    """For `least`, which is servers.min: what the processors are good for, in half of the memory."""
    each, size = LOOPS_A_CORE if kind == "asgi" else THREADS_A_CORE, SEPARATE if kind == "command" else FORKED
    cores, memory = processors(), memory_limit() // 1_000_000
    by_cores, by_memory = max(1, round(cores * each)), memory // 2 // size
    number = min(by_cores, by_memory, LARGEST)
    if number < least:
        return Most(least, "as many as servers.min")
    if number == by_cores:
        return Most(number, f"{each} for each of {cores:.3g} processors")
    return Most(number, f"{size} MB for each in half of the {memory / 1000:.1f} GB of memory")
