"""Settings of an adopted site: those on record go on, until the file that has changed is applied as a whole."""

from dataclasses import replace

import pytest

from seawall.config.effects import flat
from seawall.control.inherit import inherit
from tests.control.parts import Parts


def recorded(parts: Parts, **settings: object) -> None:
    """What seawall.toml said, with `servers__min=4` for servers.min."""
    said = {key.replace("__", "."): value for key, value in settings.items()}
    parts.state.record.file = flat(parts.state.wanted.file) | said
    parts.state.record.orders = {"generation": 3}


def test_without_a_record_the_file_counts_and_what_was_set(parts: Parts) -> None:
    """As Seawall 0.1.0 left it."""
    parts.state.record.settings = {"servers.min": "5", "of.another.version": "x"}
    assert not inherit(parts.state)
    assert parts.state.site.min == 5
    assert parts.state.record.file == flat(parts.state.wanted.file)


def test_what_ran_goes_on_though_the_file_has_changed(parts: Parts) -> None:
    recorded(parts, servers__min=4, balancer__strategy="random", servers__of_tomorrow=1)
    parts.state.record.settings = {"servers.min": "5"}
    edge = parts.state.wanted.edge
    assert inherit(parts.state)
    site = parts.state.site
    assert (site.min, site.strategy, site.generation) == (5, "random", 3)
    assert parts.state.wanted.edge.digest() == edge.digest()
    assert parts.state.wanted.file.servers.min == 4
    assert not [entry for entry in parts.told if entry["kind"] == "note"]


@pytest.mark.parametrize("said", [{"servers__min": -1}, {"servers__min": "x"}, {"environment": 3}])
def test_a_record_that_makes_no_sense_is_told_and_the_file_counts(parts: Parts, said: dict[str, object]) -> None:
    recorded(parts, **said)
    parts.state.record.settings = {"servers.min": "5"}
    assert not inherit(parts.state)
    assert parts.state.site == replace(parts.state.wanted.site, generation=3)
    assert parts.state.record.settings == {}
    assert "so what seawall.toml says now counts" in parts.told[-1]["text"]


def test_servers_are_replaced_where_what_they_were_started_with_cannot_be_had_any_more(parts: Parts) -> None:
    recorded(parts, python="gone/bin/python", servers__queue_timeout=3)
    assert not inherit(parts.state)
    assert parts.state.site.generation == 4
    assert parts.told[-1]["kind"] == "note"
