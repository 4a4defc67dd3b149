"""The limits of one server, written to control groups: those of this machine, and files as version 2 has them."""

import os
import subprocess
import sys

import pytest

from seawall.errors import SeawallError
from seawall.fleet import groups, places
from tests.patience import until


def version() -> int:
    """Of the control groups that limit memory here; 0: none."""
    try:
        return places.find("memory").version
    except SeawallError:
        return 0


HOLDS = """
import os, sys
os.write(int(sys.argv[1]), b"0")
kept = b"x" * (150 << 20)
print("holds", flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(not version(), reason="control groups cannot be made here")
def test_a_limit_that_one_server_exceeds_already_is_told_as_long_as_it_is_there() -> None:
    made = groups.Groups(f"seawall-test-{os.getpid()}")
    made.find(groups.Limits(memory=400 << 20), {})
    pipe = subprocess.PIPE
    try:
        made.make("s1")
        with (
            made.doors("s1") as [door],
            subprocess.Popen(
                [sys.executable, "-c", HOLDS, str(door)], stdin=pipe, stdout=pipe, pass_fds=[door]
            ) as server,
        ):
            assert server.stdin
            assert server.stdout
            assert server.stdout.readline() == b"holds\n"
            made.limits = groups.Limits(memory=50 << 20)
            for name in ("s1", "s2"):
                made.make(name)
            assert "s1 takes more already; replace it: seawall restart s1" in made.why_not()
            server.stdin.close()
            server.wait()
        made.tidy(["s2"])
        assert made.why_not() == ""
    finally:
        until(lambda: made.remove() == [])
