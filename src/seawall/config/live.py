"""Settings that `seawall set` has changed on the running site, over those of seawall.toml."""

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from types import NoneType
from typing import Any, get_args

from seawall.config.effects import EFFECTS, ENVIRONMENT, STOP, Change, changes, flat, keeping, nested, refused
from seawall.config.load import listed, validated
from seawall.config.schema import SETTINGS
from seawall.config.settings import Settings
from seawall.errors import ConfigError

# Whom the application runs as is for the author of the file to say: see written.py. A table is no one value.
LIVE: tuple[str, ...] = tuple(
    key for key, effects in EFFECTS.items() if STOP not in effects and key not in (ENVIRONMENT, "user")
)
"""What `seawall set` may change on the running site."""

ANOTHER_KIND = "a command cannot take the place of an application that is imported, nor the other way round."


@dataclass(frozen=True)
class Kept:
    """A setting that `seawall set` has changed and the file does not change now."""

    setting: str
    value: Any
    file: Any  # what the file says


@dataclass(frozen=True)
class Proposal:
    """What is to be in effect, and how it differs from what is."""

    file: Settings  # as seawall.toml says, without what is refused
    live: Mapping[str, str]  # setting → value, both as `seawall set` was told them
    changes: tuple[Change, ...] = ()
    refused: tuple[Change, ...] = ()
    kept: tuple[Kept, ...] = ()


def with_live(settings: Settings, live: Mapping[str, str]) -> Settings:
    """The settings with what `seawall set` has changed. Raises ConfigError where they do not go together."""
    if not live:
        return settings
    values = flat(settings) | {key: parsed(key, text) for key, text in live.items() if key in LIVE}
    return validated(nested(values), "seawall.toml together with `seawall set`")


def reloaded(before: Settings, live: Mapping[str, str], now: Settings) -> Proposal:
    """The file says `now` what it did not say `before`: that counts; for all else what `seawall set` said still does.

    Raises ConfigError where both do not go together.
    """
    impossible = refused(before, now)
    file = keeping(now, before, [change.setting for change in impossible])
    old, new = flat(before), flat(file)
    stays = {key: text for key, text in live.items() if key in LIVE and old[key] == new[key]}
    try:
        result = with_live(file, stays)
    except ConfigError as error:
        said = ", ".join(f"{key} = {text}" for key, text in stays.items())
        raise ConfigError(
            error.problem, f"`seawall set` has said {said}: change that, or seawall.toml.", error.detail
        ) from error
    kept = [Kept(key, flat(result)[key], new[key]) for key in stays if flat(result)[key] != new[key]]
    return Proposal(file, stays, changes(with_live(before, live), result), impossible, tuple(kept))


def ordered(before: Settings, live: Mapping[str, str], key: str, text: str) -> Proposal:
    """`seawall set KEY TEXT`. Raises ConfigError unless the key is in LIVE and the value fits the others."""
    require_live(key)
    old, more = with_live(before, live), {**live, key: text}
    new = with_live(before, more)
    if refused(old, new):
        raise ConfigError(f"{key}: {ANOTHER_KIND}", "Set it in seawall.toml, then: seawall down, seawall up")
    return Proposal(before, more, changes(old, new))


def saved(before: Settings, live: Mapping[str, str], key: str, written: str | None = None) -> Proposal:
    """What `seawall set` said of this setting is in seawall.toml now. Raises ConfigError if it does not fit there.

    `written` is what is there, if it is known: something else may have been set meanwhile, and stays.
    """
    if key not in live:
        return Proposal(before, live)  # the file was read meanwhile
    text = live[key] if written is None else written
    stays = {name: other for name, other in live.items() if (name, other) != (key, text)}
    return Proposal(with_live(before, {key: text}), stays)


def require_live(key: str) -> None:
    """Raises ConfigError unless `seawall set` can change it."""
    if tuple(key.split(".")) not in SETTINGS:
        names = {name: name for name in map(".".join, SETTINGS)} | {name[-1]: ".".join(name) for name in SETTINGS}
        near = difflib.get_close_matches(key.lower(), names, 1)
        raise ConfigError(
            f"{key}: there is no such setting" + (f"; did you mean `{names[near[0]]}`?" if near else "."),
            f"`seawall set` changes {listed(LIVE)}.",
        )
    if key not in LIVE and STOP in EFFECTS[key]:
        raise ConfigError(
            f"{key} cannot be changed while the site runs.", "Set it in seawall.toml, then: seawall down, seawall up"
        )
    if key not in LIVE:
        raise ConfigError(f"{key} is changed in seawall.toml.", "Set it there, then: seawall reload")


def unsets(key: str, text: str) -> bool:
    """Whether `seawall set KEY TEXT` takes the setting away: "", for one that needs no value."""
    return text == "" and SETTINGS[tuple(key.split("."))].default in (None, "")


def parsed(key: str, text: str) -> Any:
    """The value that a text on the command line means: itself, or anything else as seawall.toml has it."""
    field = SETTINGS[tuple(key.split("."))]
    if unsets(key, text):
        return field.default
    kinds = {kind for kind in get_args(field.annotation) or (field.annotation,) if kind is not NoneType}
    if str in kinds or any(isinstance(kind, str) for kind in kinds):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"] if "\n" not in text else text
    except (ValueError, RecursionError):
        return text  # for the schema to refuse
