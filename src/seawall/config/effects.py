"""How a changed setting takes effect on the running site, and what differs between two sets of settings."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from seawall.config.schema import SECTIONS, SETTINGS
from seawall.config.settings import Settings

Effect = Literal["at once", "new balancers", "new servers", "down and up"]
AT_ONCE: Effect = "at once"  # only decisions ask for it
BALANCERS: Effect = "new balancers"  # it is in their configuration: the spare is replaced, takes over, then the other
SERVERS: Effect = "new servers"  # the application is started with it: a new warm process first, then one by one
STOP: Effect = "down and up"  # another listening socket

ENVIRONMENT = "environment"
HIDDEN = "…"  # in place of the value of an environment variable, which may be a secret after all

EFFECTS: dict[str, frozenset[Effect]] = {
    "name": frozenset({AT_ONCE}),
    "wsgi": frozenset({SERVERS}),
    "asgi": frozenset({SERVERS}),
    "command": frozenset({SERVERS}),
    "python": frozenset({SERVERS}),
    ENVIRONMENT: frozenset({SERVERS}),
    "warm_path": frozenset({SERVERS}),
    "warm_timeout": frozenset({SERVERS}),
    "user": frozenset({SERVERS}),
    "servers.min": frozenset({AT_ONCE}),
    "servers.max": frozenset({AT_ONCE}),
    "servers.idle": frozenset({AT_ONCE}),
    "servers.hold": frozenset({AT_ONCE}),
    "servers.concurrency": frozenset({AT_ONCE}),
    "servers.cpu": frozenset({AT_ONCE}),
    "servers.memory": frozenset({AT_ONCE}),
    "servers.start_timeout": frozenset({AT_ONCE}),
    "servers.stop_timeout": frozenset({AT_ONCE, SERVERS}),
    "servers.request_timeout": frozenset({BALANCERS}),
    "servers.stream_timeout": frozenset({BALANCERS}),
    "servers.body_timeout": frozenset({BALANCERS}),
    "servers.queue_timeout": frozenset({BALANCERS}),
    "balancer.strategy": frozenset({AT_ONCE}),
    "listen.address": frozenset({STOP}),
    "listen.http": frozenset({STOP}),
    "listen.https": frozenset({STOP}),
    "sessions.mode": frozenset({BALANCERS}),
    "https.enabled": frozenset({STOP}),
    "https.redirect": frozenset({BALANCERS}),
    "https.domains": frozenset({BALANCERS, SERVERS}),
    "https.certificate": frozenset({BALANCERS}),
}
# A command and an application that is imported are started, ended and asked for heartbeats in different ways.
KINDS = ("wsgi", "asgi", "command")


@dataclass(frozen=True)
class Change:
    """One setting that differs. Values as JSON has them; None: not set."""

    setting: str
    old: Any
    new: Any
    effects: frozenset[Effect]


def flat(settings: Settings) -> dict[str, Any]:
    """Setting by setting: "servers.min" → 2."""
    table = settings.model_dump(mode="json")
    return {".".join(key): table[key[0]] if len(key) == 1 else table[key[0]][key[1]] for key in SETTINGS}


def nested(values: dict[str, Any]) -> dict[str, Any]:
    """The same as seawall.toml has it, in sections."""
    table: dict[str, Any] = {section: {} for section in SECTIONS}
    for key, value in values.items():
        section, _, name = key.rpartition(".")
        (table[section] if section else table)[name] = value
    return table


def changes(old: Settings, new: Settings) -> tuple[Change, ...]:
    """What differs, environment variables one by one and without their values."""
    return tuple(_changes(flat(old), flat(new)))


def effects(found: Iterable[Change]) -> frozenset[Effect]:
    """All that is needed for these changes."""
    return frozenset(effect for change in found for effect in change.effects)


def keeping(new: Settings, old: Settings, keys: Iterable[str]) -> Settings:
    """The new settings, of which these are as they were."""
    before = flat(old)
    return Settings.model_validate(nested(flat(new) | {key: before[key] for key in keys}))


def refused(old: Settings, new: Settings) -> tuple[Change, ...]:
    """The changes that the running site cannot make."""
    another_kind = bool(old.command) != bool(new.command)
    return tuple(
        Change(change.setting, change.old, change.new, frozenset({STOP}))
        for change in changes(old, new)
        if STOP in change.effects or (another_kind and change.setting in KINDS)
    )


def _changes(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    for key, effects in EFFECTS.items():
        if key == ENVIRONMENT:
            yield from _variables(old[key], new[key], effects)
        elif old[key] != new[key]:
            yield Change(key, _shown(old[key]), _shown(new[key]), effects)


def _variables(old: dict[str, str], new: dict[str, str], effects: frozenset[Effect]) -> Iterator[Change]:
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            was, is_now = (HIDDEN if name in values else None for values in (old, new))
            yield Change(f"{ENVIRONMENT}.{name}", was, is_now, effects)


def _shown(value: Any) -> Any:
    return None if value == "" else value
