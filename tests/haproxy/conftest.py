"""Sites for the tests of this folder."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.haproxy.site import Site, make

MakeSite = Callable[..., Site]


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificate")
    subprocess.run(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
        " -addext subjectAltName=DNS:localhost -keyout key.pem -out chain.pem && cat chain.pem key.pem > both.pem",
        shell=True, check=True, cwd=folder, capture_output=True,
    )  # fmt: skip
    return folder / "both.pem"


@pytest.fixture
def make_site(certificate: Path) -> Iterator[MakeSite]:
    """Makes a site whose edge differs from the usual one as the test says."""
    sites: list[Site] = []
    # Unix sockets need short paths.
    folder = Path(tempfile.mkdtemp(prefix="sw", dir="/tmp"))

    def new(address: str = "127.0.0.1", **changes: object) -> Site:
        sites.append(make(folder, certificate, address, **changes))
        return sites[-1]

    yield new
    for site in sites:
        site.close()
    shutil.rmtree(folder)


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site()
