"""What tests of several folders need."""

import pwd
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.users import another_user


@pytest.fixture(scope="session")
def stranger() -> Iterator[pwd.struct_passwd]:
    """Another user, for whom root, who runs the tests, serves."""
    with another_user() as user:
        yield user


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users may enter; pytest's own they may not."""
    folder = Path(tempfile.mkdtemp(prefix="sw-", dir="/tmp")).resolve()
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)
