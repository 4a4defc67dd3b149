"""What all reports say in the same words."""

import re
from collections.abc import Iterable
from datetime import datetime

from seawall.audit.finding import Finding, Place, Severity, Sureness
from seawall.audit.run import Report, alarms

SURE: dict[Sureness, str] = {
    "verified": "checksum verified",
    "format": "format matches",
    "heuristic": "looks like one",
}
SURE_LONG: dict[Sureness, str] = {
    "verified": "The token carries a checksum, and it is right: made-up text does not have that.",
    "format": "The text has exactly the form that the vendor documents.",
    "heuristic": "A name like “password” is given a value that does not look like a placeholder.",
}
SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low", "information")

# Whatever moves a cursor, changes colours, or turns the direction of text: names messages in git may hold all of it.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
_UNITS = ("B", "KB", "MB", "GB", "TB")
_EARLIEST = 1980  # years; a date before that is a clock that was not set


def plain(text: str) -> str:
    r"""`text` with every invisible or controlling character written out: `\x1b`, `\u202e`."""
    return _UNSEEN.sub(lambda match: _escape(ord(match[0])), text)


def _escape(code: int) -> str:
    if 0xDC80 <= code <= 0xDCFF:  # how Python carries a byte that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def lines(text: str) -> str:
    """As `plain`, but lines stay lines."""
    return "\n".join(map(plain, text.splitlines()))


def page(address: str) -> bool:
    """Whether it may be followed: `javascript:` is an address too."""
    return address.startswith(("https://", "http://"))


def where(place: Place) -> str:
    """`config/settings.py:12`, `commit message`, `backup.zip → zip: keys/id_rsa`."""
    name = place.path if place.kind == "file" else f"{place.kind} {place.path}".rstrip()
    line = f":{place.line}" if place.line else ""
    return plain(" → ".join((f"{name}{line}", *place.within)))


def who(place: Place) -> str:
    """The author without the address."""
    return plain(place.author.partition(" <")[0])


def when(place: Place) -> datetime | None:
    """With time zone; None where git says nothing, or nonsense."""
    try:
        moment = datetime.fromisoformat(place.date)
    except ValueError:
        return None
    return moment.astimezone() if moment.year >= _EARLIEST else None


def day(place: Place) -> str:
    """In the author's own time zone."""
    return place.date[:10] if when(place) else ""


def wipes(findings: Iterable[Finding]) -> bool:
    """Whether taking something out of the history is among what is to be done."""
    return any("seawall secrets wipe" in finding.remedy for finding in findings)


def count(number: int, thing: str) -> str:
    """`1 finding`, `1,204 findings`."""
    if number == 1:
        return f"1 {thing}"
    return f"{number:,} {thing[:-1]}ies" if thing.endswith("y") else f"{number:,} {thing}s"


def figure(name: str, value: int | float) -> str:
    """`12,345 objects`, `1 object`, `1.2 GB`."""
    if name != "bytes":
        name = name.removesuffix("s") if value == 1 else name
        return f"{value:,.{0 if value == int(value) else 1}f} {plain(name)}"
    size, unit = float(value), 0
    while size >= 1000 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:.{1 if unit else 0}f} {_UNITS[unit]}"


def verdict(report: Report) -> str:
    """The one sentence to remember."""
    acute = alarms(report)
    besides = len(report.findings) - len(acute)
    also = f"; {besides:,} more for information" if besides else ""
    if not acute:
        return f"Nothing found, but not everything was looked at{also}" if report.gaps else f"Nothing found{also}"
    there = sum(finding.in_tip for finding in acute)
    found = count(len(acute), "finding")
    if not there:
        return f"{found}, in the history only{also}"
    if there == len(acute):
        return f"{found}, {'all ' if there > 1 else ''}still in the tip{also}"
    return f"{found}, {there} still in the tip{also}"
