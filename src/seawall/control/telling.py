"""Changes of settings as the control socket, the journal and the command line tell them."""

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # commands that only tell need no settings: see config/__init__.py
    from seawall.config.effects import Change
    from seawall.config.live import Proposal

HIDDEN = "…"  # as in config/effects.py
TOLD = 10  # changes in a sentence


def as_answer(proposal: "Proposal") -> dict[str, Any]:
    """As JSON values."""
    return {
        "changes": [_change(change) for change in proposal.changes],
        "refused": [_change(change) for change in proposal.refused],
        "kept": [vars(kept) for kept in proposal.kept],
    }


def in_words(proposal: "Proposal") -> str:
    """For the journal: "servers.min 2 → 4; environment.DEBUG is new; listen.http 8000 → 80 needs down and up"."""
    told = [f"{change.setting} {between(change.old, change.new)}" for change in proposal.changes]
    told += [f"{change.setting} {between(change.old, change.new)} needs down and up" for change in proposal.refused]
    told = told if len(told) <= TOLD else [*told[:TOLD], f"{len(told) - TOLD} more"]
    return "; ".join(told) or "what `seawall set` said is now what seawall.toml says"


def between(old: Any, new: Any) -> str:
    """What became of a value: "2 → 4"."""
    if HIDDEN in (old, new):
        return "is new" if old is None else "is gone" if new is None else "changed"
    return f"{value(old)} → {value(new)}"


def effect(effects: Iterable[str]) -> str:
    """How it takes effect: "new balancers, new servers"."""
    words = sorted(effects)
    return ", ".join(word for word in words if word != "at once" or len(words) == 1)


def difference(answer: Mapping[str, Any]) -> list[str]:
    """All that differs, in short: the names of the settings."""
    return [change["setting"] for change in (*answer["changes"], *answer["refused"])]


def _change(change: "Change") -> dict[str, Any]:
    return {"setting": change.setting, "old": change.old, "new": change.new, "effect": effect(change.effects)}


def value(value: Any) -> str:
    """As seawall.toml has it."""
    if value in (None, ""):
        return "not set"
    return f"{value:g}" if isinstance(value, float) else json.dumps(value, ensure_ascii=False)
