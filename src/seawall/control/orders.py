"""An operator's orders on the running site: servers to drain or replace, code to import anew."""

from dataclasses import replace
from typing import Any

from seawall.control.record import Record
from seawall.model import Site


def with_orders(site: Site, record: Record) -> Site:
    """The site as an earlier control plane was told to keep it."""
    orders = record.orders
    return replace(
        site,
        generation=int(orders.get("generation", 0)),
        drain=frozenset(orders.get("drain", ())),
        restart=frozenset(orders.get("restart", ())),
    )


def to_record(site: Site) -> dict[str, Any]:
    """An operator's orders as JSON values."""
    return {"generation": site.generation, "drain": sorted(site.drain), "restart": sorted(site.restart)}
