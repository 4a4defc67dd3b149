"""The parts of a control plane for the tests of this folder."""

from collections.abc import Iterator

import pytest

from tests.control.parts import Parts
from tests.haproxy.conftest import certificate, make_site, site
from tests.haproxy.site import Site

__all__ = ["certificate", "make_site", "site"]


@pytest.fixture
def parts(site: Site) -> Iterator[Parts]:
    made = Parts(site)
    yield made
    made.close()
