"""The parts of a control plane for the tests of this folder."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from seawall.process import Process
from tests.control.parts import SLEEP, Parts
from tests.haproxy.conftest import certificate, make_site, site
from tests.haproxy.site import Site

__all__ = ["certificate", "make_site", "site"]


@pytest.fixture
def parts(site: Site) -> Iterator[Parts]:
    made = Parts(site)
    yield made
    made.close()


@pytest.fixture
def process() -> Iterator[Process]:
    """A process that runs until the end of the test."""
    with subprocess.Popen([sys.executable, "-c", SLEEP]) as child:
        found = Process.adopt(child.pid)
        assert found is not None
        yield found
        found.close()
        child.kill()
