"""The settings of a site that is adopted: those it runs with, until what has changed in seawall.toml is applied."""

from dataclasses import replace

from seawall.config import Settings
from seawall.config.effects import AT_ONCE, SERVERS, changes, effects, flat, nested
from seawall.config.live import with_live
from seawall.config.load import validated
from seawall.config.schema import SETTINGS
from seawall.control.orders import with_orders
from seawall.control.state import State
from seawall.control.wanted import lightly, wanted
from seawall.errors import SeawallError
from seawall.model import Event


def inherit(state: State) -> bool:
    """Go on with the settings on record. Returns whether seawall.toml says something else now.

    The file counts at once where nobody wrote down what it said, and where what it said cannot be had any more.
    """
    new, record = state.wanted, state.record
    needed: frozenset[str] = frozenset()
    try:
        file = _recorded(state) or new.file
        needed = effects(changes(with_live(file, record.settings), new.file))
        if needed <= {AT_ONCE}:
            state.wanted = lightly(new, file, record.settings, state.paths)
        else:
            state.wanted = wanted(file, state.paths, record.settings)
        state.site = with_orders(state.wanted.site, record)
    except SeawallError as error:
        text = f"what runs cannot be kept as it was, so what seawall.toml says now counts: {error.problem}"
        state.say(Event("note", "site", text))
        record.settings, record.file = {}, flat(new.file)
        site = with_orders(new.site, record)
        state.site = replace(site, generation=site.generation + (SERVERS in needed))
        return False
    record.file = flat(file)
    return file != new.file


def _recorded(state: State) -> Settings | None:
    """What seawall.toml said, without what only another version of Seawall knows. Raises ConfigError."""
    if state.record.file is None:
        return None
    names = set(map(".".join, SETTINGS))
    return validated(nested({key: value for key, value in state.record.file.items() if key in names}), "the record")
