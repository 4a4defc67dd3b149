"""Which events people are told, and how many a running site remembers for them."""

from typing import Any

REMEMBERED = 500  # events; more are in the journal


def for_people(event: dict[str, Any]) -> bool:
    """Each step at each balancer is not: many of them follow from one decision, which is told."""
    return not event["kind"].startswith("route-")
