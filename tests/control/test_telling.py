"""Settings in words."""

import pytest

from seawall.control.telling import between, value


@pytest.mark.parametrize(
    ("given", "told"), [(None, "not set"), ("", "not set"), (2, "2"), (30.0, "30"), (True, "true"), ("512M", '"512M"')]
)
def test_a_value_is_said_as_seawall_toml_has_it(given: object, told: str) -> None:
    assert value(given) == told


def test_what_became_of_it() -> None:
    assert between("512M", "") == '"512M" → not set'
    assert between(None, "…") == "is new"
