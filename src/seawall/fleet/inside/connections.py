"""Closes, before a fork, the connections that their libraries open anew when they are needed."""

import gc
import sys
from typing import Any

from .load import django_settings

POOLS = (  # module, class, method that closes idle connections and leaves the pool usable
    ("redis.connection", "ConnectionPool", "disconnect"),
    ("sqlalchemy.engine.base", "Engine", "dispose"),
)


def close() -> None:
    if django_settings() is not None:
        _close_django()
    for module, name, method in POOLS:
        if module in sys.modules:
            _close_all(getattr(sys.modules[module], name), method)


def _close_django() -> None:
    from django.core.cache import caches
    from django.db import connections

    connections.close_all()
    for connection in connections.all():
        getattr(connection, "close_pool", lambda: None)()  # PostgreSQL's, from Django 5.1; it has threads
    caches.close_all()


def _close_all(kind: Any, method: str) -> None:
    # By type(), not isinstance(): asking a lazy object for its class may run the application.
    for pool in [thing for thing in gc.get_objects() if issubclass(type(thing), kind)]:
        getattr(pool, method)()
