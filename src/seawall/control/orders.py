"""An operator's orders on the running site: settings changed live, servers to drain or replace, code to import anew."""

from dataclasses import replace
from typing import Any

from seawall.config import live_setting
from seawall.control.record import Record
from seawall.model import Site

# What `seawall set` may change on a running site, and where decisions find it.
LIVE_FIELDS = {"balancer.strategy": "strategy", "servers.min": "min", "servers.max": "max"}


def with_settings(site: Site, settings: dict[str, str]) -> Site:
    """The site with what `seawall set` has changed on it."""
    for key, text in settings.items():
        value: Any = live_setting(key, text)
        site = replace(site, **{LIVE_FIELDS[key]: value})
    return site


def with_orders(site: Site, record: Record) -> Site:
    """The site as an earlier control plane was told to keep it."""
    orders = record.orders
    return replace(
        with_settings(site, {key: text for key, text in record.settings.items() if key in LIVE_FIELDS}),
        generation=int(orders.get("generation", 0)),
        drain=frozenset(orders.get("drain", ())),
        restart=frozenset(orders.get("restart", ())),
    )


def to_record(site: Site) -> dict[str, Any]:
    """An operator's orders as JSON values."""
    return {"generation": site.generation, "drain": sorted(site.drain), "restart": sorted(site.restart)}
