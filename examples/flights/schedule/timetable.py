"""Time in a weekly timetable: minutes since Monday 00:00 UTC."""

from datetime import datetime, timedelta

WEEK = 7 * 24 * 60  # minutes


def minute_of_week(moment: datetime) -> int:
    """The minute of its week that an aware UTC `moment` lies in, 0 to WEEK - 1."""
    return moment.weekday() * 24 * 60 + moment.hour * 60 + moment.minute


def next_occurrence(minute: int, after: datetime) -> datetime:
    """When `minute` of the week next comes, counted from the minute of `after` (aware, UTC), which is included."""
    wait = (minute - minute_of_week(after)) % WEEK
    return after.replace(second=0, microsecond=0) + timedelta(minutes=wait)
