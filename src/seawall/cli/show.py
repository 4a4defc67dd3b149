"""How things are written for people."""

import time
from collections.abc import Mapping
from typing import Any


def event_line(entry: Mapping[str, Any]) -> str:
    """`12:30:01  start-server  s3  2 servers are wanted, 1 are there`."""
    clock = time.strftime("%H:%M:%S", time.localtime(entry["time"]))
    return printable(f"{clock}  {entry['kind']:<15} {entry['subject']:<8} {entry['text']}")


def printable(text: str) -> str:
    """With what would speak to the terminal escaped: some of it was written by the application, or by a visitor."""
    return "".join(letter if letter.isprintable() or letter in "\n\t" else _escaped(letter) for letter in text)


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode()


def duration(seconds: float | None) -> str:
    """`5 s`, `12 min`, `3 h`, `9 d`."""
    if seconds is None:
        return ""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def asleep(state: Mapping[str, Any]) -> str:
    """Of a status object: since when the site sleeps and what the next request waits for; "" while it is awake."""
    if state.get("asleep") is None:
        return ""
    since = time.strftime("%H:%M:%S", time.localtime(time.time() - state["asleep"]))
    warm = state["warm"]
    if warm is None:
        kept = "nothing is kept, the next request waits for a whole start"
    else:
        size = f": {warm['memory'] / 1e6:.0f} MB" if warm["memory"] else ""
        kept = f"the warm process is kept{size}, the next request waits for a fork of it"
    return f"asleep since {since} ({duration(state['asleep'])}); {kept}"


def not_enforced(missing: str) -> str:
    return f"{missing}. The site serves without."


def milliseconds(value: float | None) -> str:
    """`-` where there is no figure: nothing measured is not zero."""
    return "-" if value is None else f"{value:.0f} ms"


def megabytes(value: int | None) -> str:
    return "-" if value is None else f"{value / (1 << 20):.0f} MB"


def percent(value: float | None) -> str:
    """A share of one processor."""
    return "-" if value is None else f"{100 * value:.0f} %"
