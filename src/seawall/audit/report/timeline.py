"""When each finding entered the history, and until when it was seen: what the page draws."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from seawall.audit.finding import Finding
from seawall.audit.report.words import when

ROWS = 24
TICKS = 6
_SPAN_MIN = timedelta(days=7)


@dataclass(frozen=True)
class Row:
    """One finding; `start` and `end` in percent of the width. Without a date both are None."""

    number: int  # of the finding in the report, from 1
    finding: Finding
    start: float | None
    end: float | None


@dataclass(frozen=True)
class Timeline:
    """Rows, oldest first, and the marks below them (percent, text)."""

    rows: tuple[Row, ...]
    ticks: tuple[tuple[float, str], ...]
    hidden: int  # findings without a row


def timeline(findings: Sequence[Finding], now: datetime) -> Timeline:
    """The first `ROWS` findings, which are the worst. What is in the tip reaches to `now`; nothing reaches further."""
    shown = [(number, finding, _span(finding, now)) for number, finding in enumerate(findings[:ROWS], 1)]
    begin = min((span[0] for _, _, span in shown if span), default=now)
    begin = min(begin, now - _SPAN_MIN)
    whole = now - begin
    rows = [
        Row(number, finding, *((100 * ((moment - begin) / whole) for moment in span) if span else (None, None)))
        for number, finding, span in shown
    ]
    rows.sort(key=lambda row: (row.start is None, row.start or 0))
    return Timeline(tuple(rows), _ticks(begin, now), len(findings) - len(shown))


def _span(finding: Finding, now: datetime) -> tuple[datetime, datetime] | None:
    first, last = when(finding.first), when(finding.last)
    if not first or not last:
        return None
    first = min(first, now)
    return first, now if finding.in_tip else min(max(first, last), now)


def _ticks(begin: datetime, now: datetime) -> tuple[tuple[float, str], ...]:
    """Starts of years; of months or days where it is not that long."""
    days = (now - begin).days
    if days > 3 * 365:
        step = -(-days // (365 * TICKS))
        moments = [datetime(year, 1, 1, tzinfo=UTC) for year in range(begin.year + 1, now.year + 1, step)]
        form = "%Y"
    elif days > 60:
        step = -(-days // (30 * TICKS))
        months = range(begin.year * 12 + begin.month, now.year * 12 + now.month, step)
        moments = [datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC) for month in months]
        form = "%b %Y"
    else:
        step = max(1, days // TICKS)
        day = begin.replace(hour=0, minute=0, second=0, microsecond=0)
        moments = [day + timedelta(days=number) for number in range(1, days + 1, step)]
        form = "%d %b"
    whole = now - begin
    return tuple(
        (100 * ((moment - begin) / whole), moment.strftime(form)) for moment in moments if begin <= moment <= now
    )
