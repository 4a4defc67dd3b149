"""What a Django project's settings say that would surprise its author behind a balancer and on several servers."""

from typing import Any


def advice(settings: Any, hosts: list[str]) -> list[dict[str, Any]]:
    return []
